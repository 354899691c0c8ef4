//! Where in a resource the walk stands: a chain on the stack, written out only when there is something to say.

use std::fmt;

/// A step of the way, with the way that led to it.
#[derive(Clone, Copy)]
pub(crate) struct Place<'a> {
    before: Option<&'a Place<'a>>,
    name: &'a str,
    index: Option<usize>,
    /// The id and extensions of a primitive: `_name`.
    sibling: bool,
    depth: usize,
}

impl<'a> Place<'a> {
    /// The start: the name of the resource's type.
    pub(crate) fn root(name: &'a str) -> Place<'a> {
        Place {
            before: None,
            name,
            index: None,
            sibling: false,
            depth: 0,
        }
    }
    pub(crate) fn is_root(&self) -> bool {
        self.before.is_none()
    }
    /// How many steps from the start.
    pub(crate) fn depth(&self) -> usize {
        self.depth
    }
    pub(crate) fn member(&'a self, name: &'a str) -> Place<'a> {
        Place {
            before: Some(self),
            name,
            index: None,
            sibling: false,
            depth: self.depth + 1,
        }
    }
    pub(crate) fn item(&'a self, name: &'a str, index: usize) -> Place<'a> {
        Place {
            index: Some(index),
            ..self.member(name)
        }
    }
    pub(crate) fn as_sibling(&self) -> Place<'a> {
        Place {
            sibling: true,
            ..*self
        }
    }
}

impl fmt::Display for Place<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(before) = self.before {
            write!(f, "{before}.")?;
        }
        if self.sibling {
            f.write_str("_")?;
        }
        f.write_str(self.name)?;
        match self.index {
            Some(index) => write!(f, "[{index}]"),
            None => Ok(()),
        }
    }
}
