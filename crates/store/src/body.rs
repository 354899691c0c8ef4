//! Bodies: how a version's JSON is stored and comes out again.
//!
//! The JSON is stored without `meta.versionId` and `meta.lastUpdated`, compressed, with the place where those two go.
//! So it can be compressed before the commit knows them, two versions of equal content have equal bytes, and on the
//! way out they are spliced in without parsing.

use crate::{
    Error, Labels, PersonKey, Result, Version,
    codec::{Reader, put_bytes, put_number, put_signed},
    types,
};
use fhir::{ResourceType, Value, json::write_string};
use jiff::Timestamp;
use std::{cell::RefCell, sync::Arc};

/// JSON with a gap for the version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Text {
    pub(crate) json: Vec<u8>,
    /// Where version and time go, just inside `"meta":{`.
    gap: usize,
    /// Whether other members of `meta` follow.
    more: bool,
}

const PLAIN: u8 = 0;
const ZSTD: u8 = 1;

thread_local! {
    static PACKER: RefCell<Option<zstd::bulk::Compressor<'static>>> =
        RefCell::new(zstd::bulk::Compressor::new(1).ok());
    static UNPACKER: RefCell<Option<zstd::bulk::Decompressor<'static>>> =
        RefCell::new(zstd::bulk::Decompressor::new().ok());
}

impl Text {
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
        let mut text = Text {
            json: Vec::with_capacity(1024),
            gap: 0,
            more: false,
        };
        text.json.extend_from_slice(b"{\"resourceType\":");
        write_string(of.name(), &mut text.json);
        text.json.extend_from_slice(b",\"id\":");
        write_string(id, &mut text.json);
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
        self.json.extend_from_slice(b",\"meta\":{");
        self.gap = self.json.len();
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
    pub(crate) fn splice(&self, version: u64, updated: Timestamp) -> Arc<[u8]> {
        let (before, after) = self.json.split_at_checked(self.gap).unwrap_or_default();
        let comma = if self.more { "," } else { "" };
        let middle = format!("\"versionId\":\"{version}\",\"lastUpdated\":\"{updated:.3}\"{comma}");
        let mut out = Vec::with_capacity(self.json.len() + middle.len());
        out.extend_from_slice(before);
        out.extend_from_slice(middle.as_bytes());
        out.extend_from_slice(after);
        out.into()
    }

    /// Compressed, for the row.
    pub(crate) fn pack(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(self.json.len() / 2 + 16);
        put_number(&mut out, self.gap as u64);
        out.push(u8::from(self.more));
        put_number(&mut out, self.json.len() as u64);
        let packed = PACKER.with_borrow_mut(|packer| packer.as_mut()?.compress(&self.json).ok());
        match packed.filter(|packed| packed.len() < self.json.len()) {
            Some(packed) => {
                out.push(ZSTD);
                out.extend_from_slice(&packed);
            }
            None => {
                out.push(PLAIN);
                out.extend_from_slice(&self.json);
            }
        }
        out
    }

    fn unpack(reader: &mut Reader<'_>) -> Result<Text> {
        let gap = reader.number()? as usize;
        let more = reader.byte()? != 0;
        let size = reader.number()? as usize;
        let codec = reader.byte()?;
        let json = match codec {
            PLAIN => reader.0.to_vec(),
            ZSTD => UNPACKER
                .with_borrow_mut(|unpacker| unpacker.as_mut()?.decompress(reader.0, size).ok())
                .ok_or_else(|| Error::Damaged("a body cannot be unpacked".into()))?,
            _ => return Err(Error::Damaged(format!("a body of unknown form {codec}"))),
        };
        Ok(Text { json, gap, more })
    }
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
    pub(crate) version: u64,
    /// Microseconds.
    pub(crate) updated: i64,
    pub(crate) labels: Labels,
    pub(crate) person: PersonKey,
    /// `None` for a deletion.
    pub(crate) text: Option<Text>,
}

/// The row of a version; `packed` is [`Text::pack`], `None` for a deletion.
pub(crate) fn encode(
    of: ResourceType,
    id: &str,
    version: u64,
    updated: i64,
    labels: Labels,
    person: PersonKey,
    packed: Option<&[u8]>,
) -> Vec<u8> {
    let mut out = Vec::with_capacity(48 + id.len() + packed.map_or(0, <[u8]>::len));
    out.push(types::code(of));
    out.push(u8::from(packed.is_none()));
    put_bytes(&mut out, id.as_bytes());
    put_number(&mut out, version);
    put_signed(&mut out, updated);
    put_number(&mut out, u64::from(labels.0));
    put_number(&mut out, person.0);
    out.extend_from_slice(packed.unwrap_or_default());
    out
}

impl Stored {
    pub(crate) fn decode(bytes: &[u8]) -> Result<Stored> {
        let mut reader = Reader(bytes);
        let of = types::named(reader.byte()?)
            .ok_or_else(|| Error::Damaged("a version of an unknown type".into()))?;
        let deleted = reader.byte()? != 0;
        Ok(Stored {
            of,
            id: reader.text()?.to_owned(),
            version: reader.number()?,
            updated: reader.signed()?,
            labels: Labels(reader.number()? as u32),
            person: PersonKey(reader.number()?),
            text: match deleted {
                true => None,
                false => Some(Text::unpack(&mut reader)?),
            },
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
            body: match &self.text {
                Some(text) => text.splice(self.version, updated),
                None => Arc::default(),
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
        let row = encode(
            of,
            "b",
            2,
            1_500_000,
            Labels(1),
            PersonKey(3),
            Some(&text.pack()),
        );
        let version = Stored::decode(&row).unwrap().version();
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
