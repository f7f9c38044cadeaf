//! Names: what a person calls a resource, what AWS calls it, and where the input says so.

/// Where in the input something stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Origin {
    /// Which of the input files, numbered from zero.
    pub file: u32,
    /// The line, counted from one; zero if unknown.
    pub line: u32,
    /// The column in characters, counted from one; zero if unknown.
    pub column: u32,
    /// How many characters it takes on that line; zero if unknown.
    pub length: u32,
}

impl Origin {
    /// Nowhere: made by the program.
    pub const NOWHERE: Self = Self {
        file: u32::MAX,
        line: 0,
        column: 0,
        length: 0,
    };

    /// Whether the input has such a place.
    pub const fn is_known(self) -> bool {
        self.line > 0
    }
}

/// How a resource is called.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Label {
    /// The name that reports use: the native name, else the `Name` tag, else the id. Unique within its kind and VPC.
    pub name: String,
    /// AWS's id, where the input has one (`vpc-0123`).
    pub id: Option<String>,
    /// The account that owns it, where that is another than its VPC's: a participant of a shared VPC.
    pub account: Option<String>,
    /// The tags, in the input's order.
    pub tags: Vec<(String, String)>,
    /// Where it is declared.
    pub origin: Origin,
}

impl Label {
    /// A label of this name, without id or tags.
    pub fn named(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            id: None,
            account: None,
            tags: Vec::new(),
            origin: Origin::NOWHERE,
        }
    }

    /// AWS's id where there is one, else the name.
    pub fn id_or_name(&self) -> &str {
        self.id.as_deref().unwrap_or(&self.name)
    }

    /// `name` alone, or `name (id)` where the two differ.
    pub fn display(&self) -> String {
        match &self.id {
            Some(id) if *id != self.name => format!("{} ({id})", self.name),
            _ => self.name.clone(),
        }
    }

    /// The value of a tag.
    pub fn tag(&self, key: &str) -> Option<&str> {
        self.tags
            .iter()
            .find(|(name, _)| name == key)
            .map(|(_, value)| value.as_str())
    }
}
