//! Forms with brackets: `line_items[0][price_data][currency]=eur`, `expand[]=payment_intent`.

use serde_json::{Map, Value};

/// What the fields say, as nested objects and arrays; every value is a text.
pub(super) fn read(fields: &[(String, String)]) -> Value {
    let mut root = Value::Object(Map::new());
    for (name, value) in fields {
        let (head, rest) = name.split_once('[').unwrap_or((name, ""));
        let mut path = vec![head.to_owned()];
        if !rest.is_empty() {
            path.extend(rest.trim_end_matches(']').split("][").map(str::to_owned));
        }
        put(&mut root, &path, value);
    }
    lists(&mut root);
    root
}

fn put(into: &mut Value, path: &[String], value: &str) {
    let Some((name, rest)) = path.split_first() else {
        *into = value.into();
        return;
    };
    if !into.is_object() {
        *into = Value::Object(Map::new());
    }
    if let Value::Object(fields) = into {
        // `[]` takes the next free number.
        let name = if name.is_empty() { fields.len().to_string() } else { name.clone() };
        put(fields.entry(name).or_insert(Value::Null), rest, value);
    }
}

/// Objects whose names are all numbers are lists.
fn lists(value: &mut Value) {
    let Value::Object(fields) = value else { return };
    fields.values_mut().for_each(lists);
    let mut numbered: Vec<(usize, Value)> = Vec::new();
    for (name, field) in fields.iter() {
        match name.parse() {
            Ok(number) => numbered.push((number, field.clone())),
            Err(_) => return,
        }
    }
    if !numbered.is_empty() {
        numbered.sort_by_key(|(number, _)| *number);
        *value = numbered.into_iter().map(|(_, field)| field).collect();
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    #[test]
    fn brackets_are_read_in_both_styles() {
        let text = "a=1&b[c]=2&l[1][x]=q&l[0][x]=p&e[]=m&e[]=n&k[a b]=%5B";
        let fields: Vec<_> = url::form_urlencoded::parse(text.as_bytes()).into_owned().collect();
        let read = super::read(&fields);
        assert_eq!(
            read,
            json!({ "a": "1", "b": { "c": "2" }, "l": [{ "x": "p" }, { "x": "q" }],
                "e": ["m", "n"], "k": { "a b": "[" } })
        );
    }
}
