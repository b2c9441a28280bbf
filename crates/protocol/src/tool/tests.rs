//! What holds of `tool`, and what must be refused.

use bytes::Bytes;
use proptest::prelude::*;
use serde_json::json;

use super::*;

fn page(text: &str, key: &'static str) -> Result<Page, ListError> {
    items(&Bytes::copy_from_slice(text.as_bytes()), key)
}

fn names(page: &Page) -> Vec<&str> {
    page.items.iter().map(|item| &*item.name).collect()
}

#[test]
fn items_are_slices_of_the_result() {
    let result = Bytes::from_static(
        br#"{"tools":[ {"name":"a", "x":1.50} ,{"inputSchema":{},"name":"\u0062"}],"nextCursor":""}"#,
    );
    let page = items(&result, "tools").unwrap();
    assert_eq!(names(&page), ["a", "b"]);
    assert_eq!(&page.items[0].raw[..], br#"{"name":"a", "x":1.50}"#);
    assert_eq!(page.next_cursor.as_deref(), Some(""));
    assert_eq!(page.items[0].raw.as_ptr(), result[11..].as_ptr());
}

#[test]
fn each_list_has_its_identity() {
    let found = |text, key| page(text, key).unwrap().items[0].name.clone();
    assert_eq!(&*found(r#"{"resources":[{"uri":"u","name":"n"}]}"#, "resources"), "u");
    let templates = r#"{"resourceTemplates":[{"name":"n","uriTemplate":"t"}]}"#;
    assert_eq!(&*found(templates, "resourceTemplates"), "t");
    assert_eq!(&*found(r#"{"prompts":[{"name":"n"}]}"#, "prompts"), "n");
}

#[test]
fn bad_items_are_skipped_and_counted() {
    let page =
        page(r#"{"tools":[7,{"x":1},{"name":3},{"name":"a","name":"b"},{"name":"c"}]}"#, "tools")
            .unwrap();
    assert_eq!((names(&page), page.skipped), (vec!["c"], 4));
    assert_eq!(page.next_cursor, None);
}

#[test]
fn what_is_no_page_is_an_error() {
    assert_eq!(page("[]", "tools"), Err(ListError::NotAnObject));
    assert_eq!(page("{}", "tools"), Err(ListError::NoArray { key: "tools" }));
    assert_eq!(page(r#"{"tools":{}}"#, "tools"), Err(ListError::NoArray { key: "tools" }));
    assert_eq!(page(r#"{"tools":[],"nextCursor":7}"#, "tools"), Err(ListError::Cursor));
    assert_eq!(page(r#"{"tools":[],"nextCursor":null}"#, "tools"), Ok(Page::default()));
}

#[test]
fn only_the_name_changes() {
    let raw = Bytes::from_static(br#"{ "title":"T", "name" : "a","n":1.0 }"#);
    assert_eq!(&renamed(&raw, "s__a")[..], br#"{ "title":"T", "name" : "s__a","n":1.0 }"#);
    assert_eq!(renamed(&raw, "a").as_ptr(), raw.as_ptr());
}

proptest! {
    #[test]
    fn a_renamed_tool_is_found_under_its_new_name(old in any::<String>(), new in any::<String>()) {
        let raw = Bytes::from(json!({"description": "d", "name": old}).to_string());
        let list = [b"{\"tools\":[", &renamed(&raw, &new)[..], b"]}"].concat();
        let page = items(&Bytes::from(list), "tools").unwrap();
        prop_assert_eq!(&*page.items[0].name, new.as_str());
    }
}
