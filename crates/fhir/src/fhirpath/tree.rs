//! An expression as a tree.

use super::{
    moment::{Date, DateTime, Time},
    quantity::Quantity,
    types::TypeTest,
};
use crate::decimal::Decimal;
use std::sync::OnceLock;

/// A part of an expression that gives a collection.
#[derive(Debug)]
pub(crate) enum Expr {
    Literal(Literal),
    /// `{}`
    Empty,
    /// `$this`
    This,
    /// `$index`
    Index,
    /// `$total`
    Total,
    /// `%name`
    Variable(Box<str>, u32),
    /// Steps from an expression, or from `$this` where nothing is written.
    Path(Option<Box<Expr>>, Vec<Step>),
    /// `-x`
    Negate(Box<Expr>, u32),
    /// `+x`
    Plus(Box<Expr>, u32),
    /// Operators of the same rank, worked out from the left.
    Chain(Box<Expr>, Vec<(Operator, Expr, u32)>),
    /// `x is T`
    Is(Box<Expr>, TypeTest, u32),
    /// `x as T`
    As(Box<Expr>, TypeTest, u32),
    /// A part that gives the same on every turn of a loop, and where it is kept.
    Fixed(Box<Expr>, usize),
}

/// A value written in the expression.
#[derive(Debug)]
pub(crate) enum Literal {
    Boolean(bool),
    String(Box<str>),
    Integer(i64),
    Decimal(Decimal),
    Date(Date),
    DateTime(DateTime),
    Time(Time),
    Quantity(Quantity<'static>),
}

/// One step of a path.
#[derive(Debug)]
pub(crate) enum Step {
    /// `.name`
    Member(Box<str>),
    /// `[n]`
    At(Expr, u32),
    /// `.function(...)`
    Call(Call),
}

/// A function with its arguments.
#[derive(Debug)]
pub(crate) struct Call {
    pub(crate) function: Function,
    pub(crate) arguments: Vec<Expr>,
    /// The type that `is`, `as` and `ofType` name.
    pub(crate) test: Option<TypeTest>,
    /// The pattern of `matches` and its like, when it is a literal: compiled once.
    pub(crate) pattern: OnceLock<Option<regex::Regex>>,
    pub(crate) at: u32,
}

macro_rules! operators {
    ($($variant:ident $text:literal $rank:literal),* $(,)?) => {
        /// An operator between two operands.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(crate) enum Operator { $($variant),* }
        impl Operator {
            pub(crate) fn from_text(text: &str) -> Option<Operator> {
                match text { $($text => Some(Operator::$variant),)* _ => None }
            }
            pub(crate) fn text(self) -> &'static str {
                match self { $(Operator::$variant => $text),* }
            }
            /// The higher, the tighter it binds.
            pub(crate) fn rank(self) -> u8 {
                match self { $(Operator::$variant => $rank),* }
            }
        }
    };
}
operators! {
    Implies "implies" 1, Or "or" 2, Xor "xor" 2, And "and" 3, In "in" 4, Contains "contains" 4,
    Equal "=" 5, Equivalent "~" 5, NotEqual "!=" 5, NotEquivalent "!~" 5,
    Less "<" 6, LessOrEqual "<=" 6, Greater ">" 6, GreaterOrEqual ">=" 6, Union "|" 7,
    Add "+" 9, Subtract "-" 9, Concatenate "&" 9,
    Multiply "*" 10, Divide "/" 10, Div "div" 10, Mod "mod" 10,
}
/// The rank of `is` and `as`.
pub(crate) const TYPE_RANK: u8 = 8;

macro_rules! functions {
    ($($variant:ident $name:literal $least:literal $most:literal),* $(,)?) => {
        /// A function of FHIRPath or FHIR.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(crate) enum Function { $($variant),* }
        impl Function {
            /// The function of that name, and how many arguments it takes.
            pub(crate) fn from_name(name: &str) -> Option<(Function, usize, usize)> {
                match name { $($name => Some((Function::$variant, $least, $most)),)* _ => None }
            }
            pub(crate) fn name(self) -> &'static str {
                match self { $(Function::$variant => $name),* }
            }
            /// The names of all.
            #[cfg(test)]
            pub(crate) const NAMES: &[&str] = &[$($name),*];
        }
    };
}
functions! {
    // Existence.
    Empty "empty" 0 0, Exists "exists" 0 1, All "all" 1 1, AllTrue "allTrue" 0 0, AnyTrue "anyTrue" 0 0,
    AllFalse "allFalse" 0 0, AnyFalse "anyFalse" 0 0, SubsetOf "subsetOf" 1 1, SupersetOf "supersetOf" 1 1,
    Count "count" 0 0, Distinct "distinct" 0 0, IsDistinct "isDistinct" 0 0, Not "not" 0 0,
    // Filtering, parts, combining.
    Where "where" 1 1, Select "select" 1 1, Repeat "repeat" 1 1, OfType "ofType" 1 1, Single "single" 0 0,
    First "first" 0 0, Last "last" 0 0, Tail "tail" 0 0, Skip "skip" 1 1, Take "take" 1 1,
    Intersect "intersect" 1 1, Exclude "exclude" 1 1, Union "union" 1 1, Combine "combine" 1 1, Sort "sort" 0 16,
    // Conversion.
    Iif "iif" 2 3, ToBoolean "toBoolean" 0 0, ConvertsToBoolean "convertsToBoolean" 0 0,
    ToInteger "toInteger" 0 0, ConvertsToInteger "convertsToInteger" 0 0,
    ToDecimal "toDecimal" 0 0, ConvertsToDecimal "convertsToDecimal" 0 0,
    ToDate "toDate" 0 0, ConvertsToDate "convertsToDate" 0 0,
    ToDateTime "toDateTime" 0 0, ConvertsToDateTime "convertsToDateTime" 0 0,
    ToTime "toTime" 0 0, ConvertsToTime "convertsToTime" 0 0,
    ToStringOf "toString" 0 0, ConvertsToString "convertsToString" 0 0,
    ToQuantity "toQuantity" 0 1, ConvertsToQuantity "convertsToQuantity" 0 1,
    // Text.
    IndexOf "indexOf" 1 1, LastIndexOf "lastIndexOf" 1 1, Substring "substring" 1 2, StartsWith "startsWith" 1 1,
    EndsWith "endsWith" 1 1, ContainsText "contains" 1 1, Upper "upper" 0 0, Lower "lower" 0 0, Replace "replace" 2 2,
    Matches "matches" 1 2, MatchesFull "matchesFull" 1 2, ReplaceMatches "replaceMatches" 2 3, Length "length" 0 0,
    ToChars "toChars" 0 0, Encode "encode" 1 1, Decode "decode" 1 1, Escape "escape" 1 1, Unescape "unescape" 1 1,
    Trim "trim" 0 0, Split "split" 1 1, Join "join" 0 1,
    // Numbers.
    Abs "abs" 0 0, Ceiling "ceiling" 0 0, Exp "exp" 0 0, Floor "floor" 0 0, Ln "ln" 0 0, Log "log" 1 1,
    Power "power" 1 1, Round "round" 0 1, Sqrt "sqrt" 0 0, Truncate "truncate" 0 0,
    LowBoundary "lowBoundary" 0 1, HighBoundary "highBoundary" 0 1, Precision "precision" 0 0,
    Comparable "comparable" 1 1,
    // Tree, time, types, the rest.
    Children "children" 0 0, Descendants "descendants" 0 0, Trace "trace" 1 2, Now "now" 0 0, TimeOfDay "timeOfDay" 0 0,
    Today "today" 0 0, Is "is" 1 1, As "as" 1 1, Type "type" 0 0, Aggregate "aggregate" 1 2,
    DefineVariable "defineVariable" 1 2,
    // What FHIR adds.
    Extension "extension" 1 1, HasExtension "hasExtension" 1 1, HasValue "hasValue" 0 0, GetValue "getValue" 0 0, Resolve "resolve" 0 0,
    MemberOf "memberOf" 1 1, ConformsTo "conformsTo" 1 1, HtmlChecks "htmlChecks" 0 0,
    CheckModifiers "checkModifiers" 0 16,
}
