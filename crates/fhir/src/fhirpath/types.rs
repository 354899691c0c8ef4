//! Names of types: what FHIR defines (`FHIR.Patient`, `FHIR.string`) and what FHIRPath computes with (`System.String`).

use crate::definitions::table::{Element, Kind, Primitive, tables};

/// A type of FHIR: a primitive, or a node of the definitions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FhirType {
    Primitive(Primitive),
    /// The place of its node.
    Node(u16),
    /// Something the definitions do not know.
    Unknown,
}

/// A type of FHIRPath's own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SystemType {
    Boolean,
    String,
    Integer,
    Decimal,
    Date,
    DateTime,
    Time,
    Quantity,
}

/// What a type specifier means. `Quantity` alone means both.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TypeTest {
    pub(crate) fhir: Option<FhirType>,
    pub(crate) system: Option<SystemType>,
    /// `System.Any`: everything.
    pub(crate) any: bool,
}

impl FhirType {
    /// The type of that name.
    pub(crate) fn from_name(name: &str) -> Option<FhirType> {
        match Primitive::from_name(name) {
            Some(primitive) => Some(FhirType::Primitive(primitive)),
            None => tables().place_of(name).map(FhirType::Node),
        }
    }
    pub(crate) fn of(kind: Kind) -> FhirType {
        match kind {
            Kind::Primitive(primitive) => FhirType::Primitive(primitive),
            Kind::Object(at) => FhirType::Node(at),
            Kind::Resource => FhirType::from_name("Resource").unwrap_or(FhirType::Unknown),
        }
    }
    /// `Patient`, `string`; nested parts are `BackboneElement` or `Element`.
    pub(crate) fn name(self) -> &'static str {
        match self {
            FhirType::Primitive(primitive) => primitive.name(),
            FhirType::Unknown => "",
            FhirType::Node(at) => match tables().node(at) {
                Some(node) if !node.path.contains('.') => node.path,
                Some(node) => node
                    .base
                    .and_then(|base| tables().node(base))
                    .map_or("", |base| base.path),
                None => "",
            },
        }
    }
    /// Its name in the definitions, nested parts by their path: `Patient.contact`.
    pub(crate) fn path(self) -> &'static str {
        match self {
            FhirType::Node(at) => tables().node(at).map_or("", |node| node.path),
            other => other.name(),
        }
    }
    /// The types of its element of that name: several for a choice, none when there is no such element.
    pub(crate) fn elements_named(self, name: &str) -> Vec<FhirType> {
        let shape = match self {
            FhirType::Node(at) => tables().node(at),
            FhirType::Primitive(_) => tables().node(tables().special.element),
            FhirType::Unknown => None,
        };
        let Some(shape) = shape else {
            return Vec::new();
        };
        let of = |element: &Element| FhirType::of(element.kind);
        match (shape.element(name), shape.choice(name)) {
            (Some(element), _) if !shape.is_choice(element.slot) => vec![of(element)],
            (_, Some(slot)) => {
                let spelled = shape.elements().iter().filter(|e| e.slot == slot);
                spelled.map(of).collect()
            }
            _ => Vec::new(),
        }
    }
    /// Whether it is that type or a specialisation of it.
    pub(crate) fn is(self, wanted: FhirType) -> bool {
        let mut of = Some(self);
        while let Some(now) = of {
            if now == wanted {
                return true;
            }
            of = now.base();
        }
        false
    }
    fn base(self) -> Option<FhirType> {
        match self {
            FhirType::Primitive(primitive) => FhirType::from_name(match primitive {
                Primitive::Code | Primitive::Id | Primitive::Markdown => "string",
                Primitive::Canonical | Primitive::Oid | Primitive::Url | Primitive::Uuid => "uri",
                Primitive::PositiveInt | Primitive::UnsignedInt => "integer",
                _ => "Element",
            }),
            FhirType::Node(at) => tables().node(at)?.base.map(FhirType::Node),
            FhirType::Unknown => None,
        }
    }
}

impl SystemType {
    fn from_name(name: &str) -> Option<SystemType> {
        Some(match name {
            "Boolean" => SystemType::Boolean,
            "String" => SystemType::String,
            "Integer" => SystemType::Integer,
            "Decimal" => SystemType::Decimal,
            "Date" => SystemType::Date,
            "DateTime" => SystemType::DateTime,
            "Time" => SystemType::Time,
            "Quantity" => SystemType::Quantity,
            _ => return None,
        })
    }
    pub(crate) fn name(self) -> &'static str {
        match self {
            SystemType::Boolean => "Boolean",
            SystemType::String => "String",
            SystemType::Integer => "Integer",
            SystemType::Decimal => "Decimal",
            SystemType::Date => "Date",
            SystemType::DateTime => "DateTime",
            SystemType::Time => "Time",
            SystemType::Quantity => "Quantity",
        }
    }
}

impl TypeTest {
    /// What `FHIR.Patient`, `System.String`, `Patient` or `String` mean; `None` when there is no such type.
    pub(crate) fn named(namespace: Option<&str>, name: &str) -> Option<TypeTest> {
        let (fhir, system) = match namespace {
            None => (FhirType::from_name(name), SystemType::from_name(name)),
            Some("FHIR") => (FhirType::from_name(name), None),
            Some("System") => (None, SystemType::from_name(name)),
            Some(_) => (None, None),
        };
        let any = namespace == Some("System") && name == "Any";
        // `System.Patient` is well formed and nothing is one.
        let known = fhir.is_some() || system.is_some() || any;
        let elsewhere = namespace == Some("System") && FhirType::from_name(name).is_some();
        (known || elsewhere).then_some(TypeTest { fhir, system, any })
    }
}
