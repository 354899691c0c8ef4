//! Bodies: how a version's JSON is stored and comes out again.
//!
//! The JSON is stored without type, id, `meta.versionId` and `meta.lastUpdated`, names folded, compressed. So it can be
//! compressed before the commit knows version and time, two versions of equal content have equal bytes, and on the way
//! out they are spliced in without parsing.

use crate::{
    Error, PersonKey, Result, Version,
    codec::{Reader, put_name, put_number, put_signed, read_name},
    fold::Names,
    press::Press,
    types,
    vault::Facts,
};
use bytes::Bytes;
use fhir::{
    ResourceType, Value,
    json::{self, write_string},
};
use jiff::Timestamp;

/// JSON with a gap for the version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Text {
    pub(crate) json: Vec<u8>,
    /// Where version and time go, just inside `"meta":{`.
    gap: usize,
    /// Whether other members of `meta` follow.
    more: bool,
}

impl Text {
    /// The resource, without what stands apart from its JSON.
    pub(crate) fn read(&self) -> Result<Value> {
        let limits = json::Limits {
            bytes: usize::MAX,
            depth: 512,
        };
        json::parse(&self.json, &limits)
            .map_err(|error| Error::Damaged(format!("a stored body is no JSON: {error}")))
    }
    /// Writes a resource with the id given, its members in their order.
    pub(crate) fn new(of: ResourceType, id: &str, resource: &Value) -> Result<Text> {
        let Some(object) = resource.as_object() else {
            return Err(invalid(of, "a resource must be a JSON object"));
        };
        let empty = fhir::Object::new();
        let meta = match object.get("meta") {
            None => &empty,
            Some(Value::Object(meta)) => meta,
            Some(_) => return Err(invalid(of, "`meta` must be an object")),
        };
        let json = beginning(of, id, 1024);
        let mut text = Text {
            gap: json.len(),
            json,
            more: false,
        };
        text.meta(meta);
        for (name, value) in object.iter() {
            if !matches!(name, "resourceType" | "id" | "meta") {
                text.json.push(b',');
                write_string(name, &mut text.json);
                text.json.push(b':');
                value.write(&mut text.json);
            }
        }
        text.json.push(b'}');
        Ok(text)
    }

    fn meta(&mut self, meta: &fhir::Object) {
        for (name, value) in meta.iter() {
            if !matches!(name, "versionId" | "lastUpdated") {
                if self.more {
                    self.json.push(b',');
                }
                self.more = true;
                write_string(name, &mut self.json);
                self.json.push(b':');
                value.write(&mut self.json);
            }
        }
        self.json.push(b'}');
    }

    /// The JSON with its version and time.
    pub(crate) fn splice(mut self, version: u64, updated: Timestamp) -> Bytes {
        let comma = if self.more { "," } else { "" };
        let middle = format!("\"versionId\":\"{version}\",\"lastUpdated\":\"{updated:.3}\"{comma}");
        let gap = self.gap.min(self.json.len());
        self.json.splice(gap..gap, middle.bytes());
        self.json.into()
    }

    /// What follows the beginning that type and id give.
    pub(crate) fn rest(&self) -> &[u8] {
        self.json.get(self.gap..).unwrap_or_default()
    }

    /// The text of a type and id, out of its rest.
    fn whole(of: ResourceType, id: &str, names: Names<'_>, rest: &[u8]) -> Result<Text> {
        // With room for version and time.
        let mut json = beginning(of, id, 80 + rest.len() + rest.len() / 4);
        let gap = json.len();
        names.unfold(rest, &mut json)?;
        Ok(Text {
            more: json.get(gap).is_some_and(|byte| *byte != b'}'),
            gap,
            json,
        })
    }
}

/// The JSON of every resource up to the inside of its `meta`.
fn beginning(of: ResourceType, id: &str, room: usize) -> Vec<u8> {
    let mut json = Vec::with_capacity(64 + id.len() + room);
    json.extend_from_slice(b"{\"resourceType\":");
    write_string(of.name(), &mut json);
    json.extend_from_slice(b",\"id\":");
    write_string(id, &mut json);
    json.extend_from_slice(b",\"meta\":{");
    json
}

fn invalid(of: ResourceType, why: &str) -> Error {
    Error::Invalid {
        expression: of.name().to_owned(),
        diagnostics: why.to_owned(),
    }
}

/// One version as its row has it.
#[derive(Clone, Debug)]
pub(crate) struct Stored {
    pub(crate) of: ResourceType,
    pub(crate) id: String,
    pub(crate) rid: u64,
    pub(crate) version: u64,
    /// Microseconds.
    pub(crate) updated: i64,
    pub(crate) person: PersonKey,
    /// `None` for a deletion.
    pub(crate) text: Option<Text>,
}

/// One version as answers show it.
#[derive(Debug)]
pub(crate) struct Opened {
    pub(crate) version: Version,
    pub(crate) rid: u64,
}

impl Opened {
    /// About how many bytes of memory it takes.
    pub(crate) fn weight(&self) -> usize {
        size_of::<Opened>() + 128 + self.version.id.len() + self.version.body.len()
    }
}

impl From<Stored> for Opened {
    fn from(stored: Stored) -> Opened {
        Opened {
            rid: stored.rid,
            version: stored.version(),
        }
    }
}

/// What a version's row says besides its text, apart from whose it is and its stamp, which its key and its beginning say.
pub(crate) fn encode(facts: &Facts<'_>, own: &str, packed: Option<&[u8]>) -> Vec<u8> {
    let mut out = Vec::with_capacity(48 + packed.map_or(0, <[u8]>::len));
    out.push(types::code(facts.of));
    out.push(u8::from(packed.is_none()));
    put_number(&mut out, facts.rid);
    put_number(&mut out, facts.version);
    put_signed(&mut out, facts.updated);
    put_number(&mut out, u64::from(facts.labels.0));
    put_name(&mut out, facts.id, own);
    out.extend_from_slice(packed.unwrap_or_default());
    out
}

impl Stored {
    /// `own` is the id of the person's Patient.
    pub(crate) fn decode(
        bytes: &[u8],
        person: PersonKey,
        own: &str,
        press: &Press,
    ) -> Result<Stored> {
        let mut reader = Reader(bytes);
        let of = types::named(reader.byte()?)
            .ok_or_else(|| Error::Damaged("a version of an unknown type".into()))?;
        let deleted = reader.byte()? != 0;
        let rid = reader.number()?;
        let version = reader.number()?;
        let updated = reader.signed()?;
        // What it was labelled when it was written: its derived rows say what it is.
        reader.number()?;
        let id = read_name(&mut reader, own)?;
        let text = match deleted {
            true => None,
            false => {
                let uuids = reader.uuids()?;
                let codec = reader.number()?;
                let rest = press.unpack(codec, reader.0)?;
                Some(Text::whole(of, &id, Names { own, uuids }, &rest)?)
            }
        };
        Ok(Stored {
            of,
            id,
            rid,
            version,
            updated,
            person,
            text,
        })
    }
    /// As an answer shows it.
    pub(crate) fn version(self) -> Version {
        let updated = time(self.updated);
        Version {
            of: self.of,
            version: self.version,
            updated,
            deleted: self.text.is_none(),
            body: match self.text {
                Some(text) => text.splice(self.version, updated),
                None => Bytes::new(),
            },
            person: self.person,
            id: self.id,
        }
    }
}

/// Microseconds as a moment.
pub(crate) fn time(micros: i64) -> Timestamp {
    Timestamp::from_microsecond(micros).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use fhir::obj;

    #[test]
    fn version_and_time_are_spliced_in_and_the_rest_stays() {
        let of = ResourceType::from_name("Basic").unwrap();
        let resource = obj! {
            "resourceType" => "Basic",
            "meta" => obj! { "versionId" => "7", "source" => "x", "lastUpdated" => "2020" },
            "code" => obj! { "text" => "á" },
        };
        let text = Text::new(of, "b", &resource).unwrap();
        let version = Stored {
            of,
            id: "b".into(),
            rid: 1,
            version: 2,
            updated: 1_500_000,
            person: PersonKey(3),
            text: Some(text),
        }
        .version();
        assert_eq!(
            std::str::from_utf8(&version.body).unwrap(),
            r#"{"resourceType":"Basic","id":"b","meta":{"versionId":"2","lastUpdated":"1970-01-01T00:00:01.500Z","source":"x"},"code":{"text":"á"}}"#
        );
        let bare = Text::new(of, "b", &obj! { "code" => obj! {"text" => "a"} }).unwrap();
        assert!(
            std::str::from_utf8(&bare.splice(1, time(0)))
                .unwrap()
                .contains(r#""meta":{"versionId":"1","lastUpdated":"1970-01-01T00:00:00.000Z"},"#)
        );
    }
    #[test]
    fn equal_content_has_equal_bytes_whatever_its_version() {
        let of = ResourceType::from_name("Basic").unwrap();
        let one =
            obj! { "resourceType" => "Basic", "id" => "old", "meta" => obj! {"versionId" => "3"} };
        let two = obj! { "resourceType" => "Basic" };
        assert_eq!(
            Text::new(of, "b", &one).unwrap(),
            Text::new(of, "b", &two).unwrap()
        );
    }
}
