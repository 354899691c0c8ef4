//! From a call to the function that does it.

use super::{boundary, collections, encoding, fhir, numbers, text};
use crate::fhirpath::{
    Fault, PathError, convert,
    eval::{Outcome, Run, Scope, single, truth},
    item::{Found, Item},
    tree::{Call, Function},
};
use std::borrow::Cow;

/// A call at work: what it was given, and where.
pub(crate) struct Work<'w, 's, 'a> {
    pub(crate) run: &'w Run<'a>,
    pub(crate) call: &'a Call,
    pub(crate) input: &'w Found<'a>,
    pub(crate) scope: &'w Scope<'s, 'a>,
}

impl<'a> Work<'_, '_, 'a> {
    pub(crate) fn name(&self) -> &'static str {
        self.call.function.name()
    }
    /// An argument worked out where the call stands; empty when it is not given.
    pub(crate) fn argument(&self, at: usize) -> Outcome<'a> {
        match self.call.arguments.get(at) {
            Some(argument) => self.run.eval(argument, self.scope),
            None => Ok(Found::None),
        }
    }
    /// An argument worked out on an item: `$this` and `$index` are that item's.
    pub(crate) fn on_item(&self, at: usize, item: &Item<'a>, index: usize) -> Outcome<'a> {
        let Some(argument) = self.call.arguments.get(at) else {
            return Ok(Found::None);
        };
        self.run.tick(1)?;
        let this = Found::One(item.clone());
        self.run
            .eval(argument, &self.scope.with(&this, Some(index)))
    }
    /// The one text of an argument.
    pub(crate) fn text_argument(&self, at: usize) -> Result<Option<Cow<'a, str>>, PathError> {
        let found = self.argument(at)?;
        let what = format_args!("argument {} of `{}`", at + 1, self.name());
        match single(&found, what)?.map(Item::computed) {
            None => Ok(None),
            Some(Some(Item::String(text))) => Ok(Some(text)),
            Some(_) => Err(PathError::execution(format!("{what} must be a text"))),
        }
    }
    /// The one integer of an argument.
    pub(crate) fn whole_argument(&self, at: usize) -> Result<Option<i64>, PathError> {
        let found = self.argument(at)?;
        let what = format_args!("argument {} of `{}`", at + 1, self.name());
        match single(&found, what)?.map(Item::computed) {
            None => Ok(None),
            Some(Some(Item::Integer(whole))) => Ok(Some(whole)),
            Some(_) => Err(PathError::execution(format!("{what} must be an integer"))),
        }
    }
    /// The one input, as FHIRPath computes with it; `None` when there is none or it has no value.
    pub(crate) fn one(&self) -> Result<Option<Item<'a>>, PathError> {
        let what = format_args!("what `{}` works on", self.name());
        Ok(single(self.input, what)?.and_then(Item::computed))
    }
    /// The one input, which must be a text.
    pub(crate) fn text(&self) -> Result<Option<Cow<'a, str>>, PathError> {
        let what = format_args!("what `{}` works on", self.name());
        match single(self.input, what)? {
            None => Ok(None),
            Some(item) => match item.computed() {
                Some(Item::String(text)) => Ok(Some(text)),
                None if matches!(item, Item::Node(node) if node.is_primitive()) => Ok(None),
                _ => {
                    let (space, of) = item.type_name();
                    Err(PathError::execution(format!(
                        "{what} must be a text, not a {space}.{of}"
                    )))
                }
            },
        }
    }
    /// The items of the type that the call names.
    fn of_type(&self) -> Found<'a> {
        let kept = |item: &&Item<'a>| self.call.test.as_ref().is_some_and(|t| item.kept_as(t));
        self.input.items().iter().filter(kept).cloned().collect()
    }
    /// A text that was built, unless it is too long.
    pub(crate) fn built(&self, text: String) -> Outcome<'a> {
        let most = self.run.context.limits.text;
        self.run.tick(text.len() / 64)?;
        if text.len() > most {
            let reason = format!("a text has {} bytes; the limit is {most}", text.len());
            return Err(PathError::new(Fault::Limit, reason));
        }
        Ok(Found::One(Item::String(Cow::Owned(text))))
    }
}

pub(crate) fn call<'a>(
    run: &Run<'a>,
    call: &'a Call,
    input: Found<'a>,
    scope: &Scope<'_, 'a>,
) -> Outcome<'a> {
    use Function as F;
    let work = &Work {
        run,
        call,
        input: &input,
        scope,
    };
    let said = |truth: bool| Ok(Found::truth(truth));
    match call.function {
        F::Empty => said(input.is_empty()),
        F::Exists | F::All | F::Where | F::Select | F::Repeat | F::Aggregate | F::Sort | F::Iif => {
            collections::with_argument(work)
        }
        F::Not => Ok(truth(&input, "what `not` works on")?
            .map(|t| Item::Boolean(!t))
            .into()),
        F::AllTrue => said(collections::truths(work)?.iter().all(|t| *t)),
        F::AnyTrue => said(collections::truths(work)?.iter().any(|t| *t)),
        F::AllFalse => said(collections::truths(work)?.iter().all(|t| !*t)),
        F::AnyFalse => said(collections::truths(work)?.iter().any(|t| !*t)),
        F::Count => Ok(Found::whole(input.len())),
        F::Distinct
        | F::IsDistinct
        | F::SubsetOf
        | F::SupersetOf
        | F::Intersect
        | F::Exclude
        | F::Union
        | F::Combine => collections::sets(work),
        F::Single => match single(&input, "what `single` works on")? {
            Some(_) => Ok(input),
            None => Ok(Found::None),
        },
        F::First | F::Last | F::Tail | F::Skip | F::Take => collections::part(work),
        F::OfType => Ok(work.of_type()),
        F::As if run.as_filters => Ok(work.of_type()),
        F::As => {
            let item = single(&input, "what `as` works on")?;
            let kept = item.filter(|i| call.test.as_ref().is_some_and(|t| i.kept_as(t)));
            Ok(kept.cloned().into())
        }
        F::Is => {
            let item = single(&input, "what `is` works on")?;
            let is = item.map(|i| call.test.as_ref().is_some_and(|t| i.is(t)));
            Ok(is.map(Item::Boolean).into())
        }
        F::Type => Ok(input
            .items()
            .iter()
            .map(|item| {
                let (space, name) = item.type_name();
                Item::Type(space, name)
            })
            .collect()),
        F::ToBoolean
        | F::ToInteger
        | F::ToDecimal
        | F::ToDate
        | F::ToDateTime
        | F::ToTime
        | F::ToStringOf
        | F::ToQuantity => convert::to(work),
        F::ConvertsToBoolean
        | F::ConvertsToInteger
        | F::ConvertsToDecimal
        | F::ConvertsToDate
        | F::ConvertsToDateTime
        | F::ConvertsToTime
        | F::ConvertsToString
        | F::ConvertsToQuantity => convert::converts(work),
        F::Encode | F::Decode | F::Escape | F::Unescape => encoding::call(work),
        F::IndexOf
        | F::LastIndexOf
        | F::Substring
        | F::StartsWith
        | F::EndsWith
        | F::ContainsText
        | F::Upper
        | F::Lower
        | F::Replace
        | F::Matches
        | F::MatchesFull
        | F::ReplaceMatches
        | F::Length
        | F::ToChars
        | F::Trim
        | F::Split
        | F::Join => text::call(work),
        F::Abs
        | F::Ceiling
        | F::Exp
        | F::Floor
        | F::Ln
        | F::Log
        | F::Power
        | F::Round
        | F::Sqrt
        | F::Truncate => numbers::call(work),
        F::LowBoundary | F::HighBoundary | F::Precision => boundary::call(work),
        F::Comparable => boundary::comparable(work),
        F::Children | F::Descendants => collections::tree(work),
        F::Trace => collections::trace(work),
        F::Now | F::Today | F::TimeOfDay => {
            let Some(now) = run.context.clock() else {
                let reason = format!("`{}` is asked, but no time was given", work.name());
                return Err(PathError::execution(reason));
            };
            Ok(match call.function {
                F::Now => Found::One(Item::DateTime(now)),
                F::Today => Found::One(Item::Date(now.date)),
                _ => now.time.map(Item::Time).into(),
            })
        }
        // Its effect is on the steps after it: the walk sees to it.
        F::DefineVariable => Ok(input),
        F::Extension
        | F::HasExtension
        | F::HasValue
        | F::GetValue
        | F::Resolve
        | F::MemberOf
        | F::ConformsTo
        | F::HtmlChecks
        | F::CheckModifiers => fhir::call(work),
    }
}

/// The name and value that `defineVariable` defines.
pub(crate) fn definition<'a>(
    run: &Run<'a>,
    call: &'a Call,
    input: &Found<'a>,
    scope: &Scope<'_, 'a>,
) -> Result<(Cow<'a, str>, Found<'a>), PathError> {
    let work = Work {
        run,
        call,
        input,
        scope,
    };
    let Some(name) = work.text_argument(0)? else {
        return Err(PathError::execution("`defineVariable` needs a name"));
    };
    if run.is_defined(&name, scope) {
        let reason = format!("the variable `%{name}` is defined already");
        return Err(PathError::new(Fault::Semantic, reason));
    }
    let value = match call.arguments.get(1) {
        Some(argument) => run.eval(argument, &scope.with(input, None))?,
        None => input.clone(),
    };
    Ok((name, value))
}
