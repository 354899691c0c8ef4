//! Parts of an expression that give the same on every turn of a loop, found when it is read and worked out once.
//!
//! R4 asks of every contained resource whether anything in the whole resource refers to it (`dom-3`), and names
//! `%resource.descendants()` inside of the `where()`: without this, the cost is contained resources times all elements.

use super::tree::{Call, Expr, Function as F, Step};

/// Marks the parts inside of loops that lean on nothing but the resource; gives how many there are.
pub(super) fn mark(tree: &mut Expr) -> usize {
    let mut count = 0;
    walk(tree, false, &mut count);
    count
}

fn walk(expr: &mut Expr, in_loop: bool, count: &mut usize) {
    if in_loop && is_worth_it(expr) && is_free(expr, false) {
        let inner = std::mem::replace(expr, Expr::Empty);
        *expr = Expr::Fixed(Box::new(inner), *count);
        *count += 1;
        return;
    }
    match expr {
        Expr::Path(start, steps) => {
            if let Some(start) = start {
                walk(start, in_loop, count);
            }
            for step in steps {
                match step {
                    Step::Member(_) => {}
                    Step::At(index, _) => walk(index, in_loop, count),
                    Step::Call(call) => {
                        let loops = in_loop || is_loop(call.function);
                        call.arguments
                            .iter_mut()
                            .for_each(|argument| walk(argument, loops, count));
                    }
                }
            }
        }
        Expr::Negate(of, _) | Expr::Plus(of, _) | Expr::Is(of, ..) | Expr::As(of, ..) => {
            walk(of, in_loop, count);
        }
        Expr::Chain(first, rest) => {
            walk(first, in_loop, count);
            rest.iter_mut()
                .for_each(|(_, right, _)| walk(right, in_loop, count));
        }
        _ => {}
    }
}

/// Functions that work out their argument once an item.
fn is_loop(function: F) -> bool {
    matches!(
        function,
        F::Where | F::Select | F::All | F::Exists | F::Repeat | F::Sort | F::Aggregate
    )
}

/// Whether it is more than a look at a value: a path with steps.
fn is_worth_it(expr: &Expr) -> bool {
    match expr {
        Expr::Path(Some(start), steps) => !steps.is_empty() && names_resource(start),
        Expr::Chain(first, _) => is_worth_it(first),
        _ => false,
    }
}

fn names_resource(expr: &Expr) -> bool {
    matches!(expr, Expr::Variable(name, _) if matches!(name.as_ref(), "resource" | "rootResource" | "context"))
}

/// Whether it leans on nothing around it. `bound` says that `$this` belongs to a loop inside of the part itself.
fn is_free(expr: &Expr, bound: bool) -> bool {
    match expr {
        Expr::Literal(_) | Expr::Empty => true,
        Expr::This => bound,
        Expr::Index | Expr::Total | Expr::Fixed(..) => false,
        Expr::Variable(..) => names_resource(expr),
        Expr::Negate(of, _) | Expr::Plus(of, _) | Expr::Is(of, ..) | Expr::As(of, ..) => {
            is_free(of, bound)
        }
        Expr::Chain(first, rest) => {
            is_free(first, bound) && rest.iter().all(|(_, right, _)| is_free(right, bound))
        }
        Expr::Path(start, steps) => {
            let start_is_free = match start {
                Some(start) => is_free(start, bound),
                None => bound,
            };
            start_is_free
                && steps.iter().all(|step| match step {
                    Step::Member(_) => true,
                    Step::At(index, _) => is_free(index, bound),
                    Step::Call(call) => call_is_free(call, bound),
                })
        }
    }
}

fn call_is_free(call: &Call, bound: bool) -> bool {
    // What is traced is heard each time, and variables belong to their place.
    if matches!(call.function, F::Trace | F::DefineVariable) {
        return false;
    }
    let bound = bound || is_loop(call.function);
    let mut arguments = call.arguments.iter();
    arguments.all(|argument| is_free(argument, bound))
}
