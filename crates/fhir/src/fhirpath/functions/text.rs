//! Functions on texts. Places and lengths count characters.

use super::call::Work;
use crate::fhirpath::{
    Fault, PathError,
    eval::Outcome,
    item::{Found, Item},
    tree::{Expr, Function, Literal},
};
use std::borrow::Cow;

/// Most memory of a compiled pattern: one written in the expression, which is compiled once, and one worked out.
const WRITTEN_BYTES: usize = 2 << 20;
const WORKED_OUT_BYTES: usize = 128 << 10;
/// Steps that compiling one counts for: at a tenth of a microsecond each, about what the largest takes.
const WRITTEN_STEPS: usize = 10_000;
const WORKED_OUT_STEPS: usize = 2_000;

pub(super) fn call<'a>(work: &Work<'_, '_, 'a>) -> Outcome<'a> {
    let function = work.call.function;
    if function == Function::Join {
        return join(work);
    }
    let Some(text) = work.text()? else {
        return Ok(Found::None);
    };
    work.run.tick(text.len() / 64)?;
    let owned = |text: String| Found::One(Item::String(Cow::Owned(text)));
    match function {
        Function::Upper => return Ok(owned(text.to_uppercase())),
        Function::Lower => return Ok(owned(text.to_lowercase())),
        Function::Trim => return Ok(owned(text.trim().to_owned())),
        Function::Length => return Ok(Found::whole(text.chars().count())),
        Function::ToChars => {
            let letters = text
                .chars()
                .map(|c| Item::String(Cow::Owned(c.to_string())));
            return Ok(letters.collect::<Vec<_>>().into());
        }
        Function::Substring => return substring(work, &text),
        Function::Matches | Function::MatchesFull | Function::ReplaceMatches => {
            return matches(work, &text);
        }
        _ => {}
    }
    let Some(wanted) = work.text_argument(0)? else {
        return Ok(Found::None);
    };
    let wanted = wanted.as_ref();
    let place = |at: Option<usize>| match at.and_then(|at| text.get(..at)) {
        Some(before) => Found::whole(before.chars().count()),
        None => Found::One(Item::Integer(-1)),
    };
    Ok(match function {
        Function::StartsWith => Found::truth(text.starts_with(wanted)),
        Function::EndsWith => Found::truth(text.ends_with(wanted)),
        Function::ContainsText => Found::truth(text.contains(wanted)),
        Function::IndexOf => place(text.find(wanted)),
        Function::LastIndexOf => place(text.rfind(wanted)),
        Function::Split => {
            let parts = text
                .split(wanted)
                .map(|p| Item::String(Cow::Owned(p.to_owned())));
            parts
                .take(work.run.context.limits.items + 1)
                .collect::<Vec<_>>()
                .into()
        }
        _ => {
            let Some(instead) = work.text_argument(1)? else {
                return Ok(Found::None);
            };
            let grown = text.matches(wanted).count().saturating_mul(instead.len());
            fits(work, grown)?;
            return work.built(text.replace(wanted, &instead));
        }
    })
}

fn fits(work: &Work<'_, '_, '_>, bytes: usize) -> Result<(), PathError> {
    let most = work.run.context.limits.text;
    if bytes > most {
        let reason = format!("a text would have more than {most} bytes, which is the limit");
        return Err(PathError::new(Fault::Limit, reason));
    }
    Ok(())
}

fn substring<'a>(work: &Work<'_, '_, 'a>, text: &str) -> Outcome<'a> {
    let Some(start) = work.whole_argument(0)? else {
        return Ok(Found::None);
    };
    let most = match work.call.arguments.len() {
        2 => match work.whole_argument(1)? {
            Some(length) => usize::try_from(length).unwrap_or(0),
            None => usize::MAX,
        },
        _ => usize::MAX,
    };
    let Some(mut rest) = usize::try_from(start)
        .ok()
        .and_then(|start| text.char_indices().nth(start))
        .and_then(|(at, _)| text.get(at..))
    else {
        return Ok(Found::None);
    };
    if let Some((end, _)) = rest.char_indices().nth(most) {
        rest = rest.get(..end).unwrap_or(rest);
    }
    Ok(Found::One(Item::String(Cow::Owned(rest.to_owned()))))
}

fn join<'a>(work: &Work<'_, '_, 'a>) -> Outcome<'a> {
    let between = work.text_argument(0)?.unwrap_or_default();
    if work.input.is_empty() {
        return Ok(Found::None);
    }
    let mut joined = String::new();
    for (at, item) in work.input.items().iter().enumerate() {
        let Some(Item::String(text)) = item.computed() else {
            return Err(PathError::execution("`join` works on texts only"));
        };
        if at > 0 {
            joined.push_str(&between);
        }
        joined.push_str(&text);
        fits(work, joined.len())?;
    }
    work.built(joined)
}

/// Regular expressions take time linear in the text: the crate has no look-around and no back references.
fn matches<'a>(work: &Work<'_, '_, 'a>, text: &str) -> Outcome<'a> {
    let Some(pattern) = work.text_argument(0)? else {
        return Ok(Found::None);
    };
    let function = work.call.function;
    let flags_at = if function == Function::ReplaceMatches {
        2
    } else {
        1
    };
    let flags = work.text_argument(flags_at)?.unwrap_or_default();
    let full = function == Function::MatchesFull;
    let written = matches!(
        work.call.arguments.first(),
        Some(Expr::Literal(Literal::String(_)))
    );
    let made;
    let regex = if written && flags.is_empty() {
        if work.call.pattern.get().is_none() {
            work.run.tick(WRITTEN_STEPS)?;
        }
        let compile = || compiled(&pattern, "", full, WRITTEN_BYTES);
        work.call.pattern.get_or_init(compile).as_ref()
    } else {
        work.run.tick(WORKED_OUT_STEPS)?;
        made = compiled(&pattern, &flags, full, WORKED_OUT_BYTES);
        made.as_ref()
    };
    let Some(regex) = regex else {
        let reason = format!("`{pattern}` is no regular expression that we can use");
        return Err(PathError::execution(reason));
    };
    if function != Function::ReplaceMatches {
        return Ok(Found::truth(regex.is_match(text)));
    }
    let Some(instead) = work.text_argument(1)? else {
        return Ok(Found::None);
    };
    if pattern.is_empty() {
        return work.built(text.to_owned());
    }
    let (mut replaced, mut done) = (String::new(), 0);
    for found in regex.captures_iter(text) {
        work.run.tick(1)?;
        let Some(whole) = found.get(0) else { continue };
        replaced.push_str(text.get(done..whole.start()).unwrap_or_default());
        found.expand(&instead, &mut replaced);
        done = whole.end();
        fits(work, replaced.len())?;
    }
    replaced.push_str(text.get(done..).unwrap_or_default());
    work.built(replaced)
}

fn compiled(pattern: &str, flags: &str, full: bool, bytes: usize) -> Option<regex::Regex> {
    let whole;
    let pattern = if full {
        whole = format!("^(?:{pattern})$");
        &whole
    } else {
        pattern
    };
    regex::RegexBuilder::new(pattern)
        .dot_matches_new_line(true)
        .case_insensitive(flags.contains('i'))
        .multi_line(flags.contains('m'))
        .size_limit(bytes)
        .build()
        .ok()
}
