//! Who is meant: from a CURP, a tag or a resource to a person's numbers in the archive and her tags.

use super::witness::normal;
use super::{Gate, PersonRef, Refusal, Tag, locked};
use fhir::ResourceType;
use mx::Curp;
use std::collections::HashMap;
use std::sync::Mutex;
use store::PersonKey;

/// People whose tags are kept at hand.
const MAX_AT_HAND: usize = 50_000;

/// One person as far as this node can tell.
#[derive(Clone, Debug)]
pub(crate) struct Person {
    /// Her tags; the first is the one she was asked for by. More than one when her record here carries several CURPs, or
    /// registrations of hers were linked.
    pub(crate) tags: Vec<Tag>,
    /// Her numbers here; none when she is not known here.
    pub(crate) keys: Vec<PersonKey>,
}

/// What a request is about.
#[derive(Clone, Debug)]
pub(crate) enum Target {
    /// One person.
    Person(Person),
    /// Somebody of whom there is nothing here to name her by: treated as a person without evidence.
    Unknown,
    /// Everyone here.
    Everyone,
    /// What is nobody's.
    Shared,
}

impl Target {
    pub(crate) fn tags(&self) -> &[Tag] {
        match self {
            Target::Person(person) => &person.tags,
            _ => &[],
        }
    }
    pub(crate) fn scope(&self) -> &'static str {
        match self {
            Target::Person(_) | Target::Unknown => "person",
            Target::Everyone => "everyone",
            Target::Shared => "shared",
        }
    }
}

/// People here, kept at hand until any `Patient` or link changes.
#[derive(Default)]
pub(crate) struct People(Mutex<AtHand>);

#[derive(Default)]
struct AtHand {
    generation: u64,
    tags: HashMap<PersonKey, Vec<Tag>>,
    people: HashMap<PersonKey, Person>,
}

impl People {
    /// A `Patient` or a link changed: who is who may have changed.
    pub(crate) fn changed(&self) {
        let mut at_hand = locked(&self.0);
        at_hand.generation += 1;
        at_hand.tags.clear();
        at_hand.people.clear();
    }
    pub(crate) fn generation(&self) -> u64 {
        locked(&self.0).generation
    }
    fn person(&self, key: PersonKey) -> (u64, Option<Person>) {
        let at_hand = locked(&self.0);
        (at_hand.generation, at_hand.people.get(&key).cloned())
    }
    fn put_person(&self, generation: u64, key: PersonKey, person: Person) {
        let mut at_hand = locked(&self.0);
        if at_hand.generation != generation {
            return;
        }
        if at_hand.people.len() >= MAX_AT_HAND {
            at_hand.people.clear();
        }
        at_hand.people.insert(key, person);
    }
    fn get(&self, person: PersonKey) -> (u64, Option<Vec<Tag>>) {
        let at_hand = locked(&self.0);
        (at_hand.generation, at_hand.tags.get(&person).cloned())
    }
    /// Keeps what was read, unless a `Patient` changed since it was.
    fn put(&self, generation: u64, person: PersonKey, tags: Vec<Tag>) {
        let mut at_hand = locked(&self.0);
        if at_hand.generation != generation {
            return;
        }
        if at_hand.tags.len() >= MAX_AT_HAND {
            at_hand.tags.clear();
        }
        at_hand.tags.insert(person, tags);
    }
}

impl Gate {
    /// Finds out who is meant. [`RefusalKind::Bad`](super::RefusalKind) for what is no CURP; it says nothing of what
    /// is here.
    pub(crate) fn resolve(&self, person: &PersonRef) -> Result<Target, Refusal> {
        match person {
            PersonRef::Everyone => Ok(Target::Everyone),
            PersonRef::Nobody => Ok(Target::Shared),
            PersonRef::Tag(tag) => self.by_tag(*tag),
            PersonRef::Curp(curp) => self.by_tag(self.checked_tag(curp)?),
            PersonRef::Patient(id) => match ResourceType::from_name("Patient") {
                Some(of) => self.by_resource(of, id),
                None => Ok(Target::Unknown),
            },
            PersonRef::Resource(of, id) => self.by_resource(*of, id),
        }
    }

    /// The tag of a text that must be a CURP, of somebody.
    pub(crate) fn checked_tag(&self, curp: &str) -> Result<Tag, Refusal> {
        check_curp(curp)?;
        Ok(self.tag(curp))
    }

    fn by_tag(&self, tag: Tag) -> Result<Target, Refusal> {
        let keys = self.people_of(tag)?;
        self.gathered(vec![tag], keys)
    }

    /// The registrations that carry a tag, where it is their person's, and those linked with them.
    pub(crate) fn people_of(&self, tag: Tag) -> Result<Vec<PersonKey>, Refusal> {
        let (house, links) = (&self.house, &self.house.links);
        let mut keys = house.store.people(&house.seal, &tag.0)?;
        keys.retain(|key| !links.is_disowned(*key, tag));
        for key in links.carriers(tag) {
            // One that got a CURP of its own since is found by that.
            let is_hers =
                !links.is_disowned(key, tag) && self.curp_of(key)?.is_none_or(|own| own == tag);
            if is_hers && !keys.contains(&key) {
                keys.push(key);
            }
        }
        links.add_to(&mut keys);
        Ok(keys)
    }

    /// A person with these registrations and, after these tags, those of each.
    fn gathered(&self, mut tags: Vec<Tag>, keys: Vec<PersonKey>) -> Result<Target, Refusal> {
        for key in &keys {
            for other in self.tags_of(*key)? {
                if !tags.contains(&other) {
                    tags.push(other);
                }
            }
        }
        Ok(Target::Person(Person { tags, keys }))
    }

    fn by_resource(&self, of: ResourceType, id: &str) -> Result<Target, Refusal> {
        let personal = of.name() == "Patient" || of.is_personal();
        match self.house.store.person_of(&self.house.seal, of, id)? {
            // What does not exist must look like what is somebody else's.
            None if personal => Ok(Target::Unknown),
            None | Some(PersonKey(0)) => Ok(Target::Shared),
            Some(key) => self.by_key(key),
        }
    }

    fn by_key(&self, key: PersonKey) -> Result<Target, Refusal> {
        let people = &self.house.people;
        let (generation, at_hand) = people.person(key);
        if let Some(person) = at_hand {
            return Ok(Target::Person(person));
        }
        let target = self.look_up(key)?;
        if let Target::Person(person) = &target {
            people.put_person(generation, key, person.clone());
        }
        Ok(target)
    }

    fn look_up(&self, key: PersonKey) -> Result<Target, Refusal> {
        let tags = self.tags_of(key)?;
        let Some(tag) = tags.first() else {
            return Ok(Target::Unknown);
        };
        let mut keys = self.people_of(*tag)?;
        // Somebody without a CURP is in no directory.
        if !keys.contains(&key) {
            keys.push(key);
            self.house.links.add_to(&mut keys);
        }
        self.gathered(vec![*tag], keys)
    }

    /// The tags of the CURPs that a registration carries, as they were found, where they are its person's.
    fn curps_of<'f>(
        &'f self,
        key: PersonKey,
        found: &'f [Vec<u8>],
    ) -> impl Iterator<Item = Tag> + 'f {
        let tags = found
            .iter()
            .filter_map(|bytes| Some(Tag(bytes.as_slice().try_into().ok()?)));
        tags.filter(move |tag| !self.house.links.is_disowned(key, *tag))
    }

    /// The tag of the CURP that a registration carries, where it is its person's.
    pub(super) fn curp_of(&self, key: PersonKey) -> Result<Option<Tag>, Refusal> {
        let house = &self.house;
        let (_, found) = house.store.named(&house.seal, key)?.unwrap_or_default();
        Ok(self.curps_of(key, &found).next())
    }

    /// The tags of the CURPs of somebody's `Patient`; when she has none, of the CURP that she is found under since two members
    /// said so, and a tag of this node's own.
    pub(crate) fn tags_of(&self, key: PersonKey) -> Result<Vec<Tag>, Refusal> {
        let people = &self.house.people;
        let (generation, at_hand) = people.get(key);
        if let Some(tags) = at_hand {
            return Ok(tags);
        }
        let Some((id, found)) = self.house.store.named(&self.house.seal, key)? else {
            return Ok(Vec::new());
        };
        let mut tags: Vec<Tag> = self.curps_of(key, &found).collect();
        if tags.is_empty() {
            let member = &self.house.member.0;
            let links = &self.house.links;
            let joined = links.joined(key).into_iter();
            tags.extend(joined.filter(|tag| !links.is_disowned(key, *tag)));
            tags.push(Tag::of_local(&self.house.secret, member, &id));
        }
        people.put(generation, key, tags.clone());
        Ok(tags)
    }
}

/// Whether a text is a CURP of somebody.
pub(crate) fn check_curp(curp: &str) -> Result<(), Refusal> {
    match Curp::parse(&normal(curp)) {
        Ok(curp) if !curp.is_generic() => Ok(()),
        Ok(_) => Err(Refusal::bad(
            "Esa CURP es la genérica: no nombra a nadie.",
            "That CURP is the generic one: it names nobody.",
        )),
        Err(error) => Err(Refusal::bad(
            "Eso no es una CURP: lleva 18 letras y cifras.",
            format!("That is not a CURP: {error}."),
        )),
    }
}
