//! What the parameters find.
#[test]
fn every_expression_of_the_table_compiles() {
    let refused: Vec<String> = super::table()
        .types()
        .chain(["Resource"])
        .flat_map(|of| super::compile(of).1)
        .collect();
    assert!(refused.is_empty(), "{refused:#?}");
}
