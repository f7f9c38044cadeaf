//! The functions of Terraform's language that addresses and references are made with.

use hcl::Value;
use hcl::eval::{Context, Func, FuncArgs, FuncDef, ParamType};
use ipnet::Ipv4Net;

type Answer = Result<Value, String>;

/// Every function by its name.
const FUNCTIONS: &[(&str, Func)] = &[
    ("cidrhost", cidr_host),
    ("cidrsubnet", cidr_subnet),
    ("coalesce", coalesce),
    ("coalescelist", coalesce),
    ("compact", compact),
    ("concat", concat),
    ("contains", contains),
    ("distinct", distinct),
    ("element", element),
    ("flatten", flatten),
    ("format", format),
    ("index", index),
    ("join", join),
    ("keys", keys),
    ("length", length),
    ("lookup", lookup),
    ("lower", lower),
    ("max", max),
    ("merge", merge),
    ("min", min),
    ("one", one),
    ("range", range),
    ("slice", slice),
    ("sort", sort),
    ("split", split),
    ("tolist", same),
    ("tomap", same),
    ("toset", distinct),
    ("tostring", to_text),
    ("try", coalesce),
    ("upper", upper),
    ("values", values),
    ("zipmap", zipmap),
];

/// Makes the functions known.
pub(super) fn declare(context: &mut Context<'_>) {
    for (name, function) in FUNCTIONS {
        let definition = FuncDef::builder().variadic_param(ParamType::Any).build(*function);
        context.declare_func(*name, definition);
    }
}

fn arguments<const N: usize>(arguments: FuncArgs) -> Result<[Value; N], String> {
    let given = arguments.into_values();
    let count = given.len();
    given
        .try_into()
        .map_err(|_| format!("{N} arguments are expected, not {count}"))
}

fn list(value: Value) -> Result<Vec<Value>, String> {
    match value {
        Value::Array(list) => Ok(list),
        Value::Object(map) => Ok(map.into_iter().map(|(_, value)| value).collect()),
        other => Err(format!("`{other}` is no list")),
    }
}

fn text(value: &Value) -> Result<String, String> {
    match value {
        Value::String(text) => Ok(text.clone()),
        Value::Number(number) => Ok(number.to_string()),
        Value::Bool(flag) => Ok(flag.to_string()),
        other => Err(format!("`{other}` is no text")),
    }
}

fn whole(value: &Value) -> Result<i64, String> {
    match value {
        Value::Number(number) => number
            .as_i64()
            .ok_or_else(|| format!("`{number}` is no whole number")),
        Value::String(text) => text.parse().map_err(|_| format!("`{text}` is no whole number")),
        other => Err(format!("`{other}` is no number")),
    }
}

fn place(value: &Value) -> Result<usize, String> {
    usize::try_from(whole(value)?).map_err(|error| error.to_string())
}

fn net(value: &Value) -> Result<Ipv4Net, String> {
    text(value)?
        .parse()
        .map_err(|_| "this is no IPv4 range".to_owned())
}

fn same(given: FuncArgs) -> Answer {
    let [value] = arguments(given)?;
    Ok(value)
}

fn to_text(given: FuncArgs) -> Answer {
    let [value] = arguments(given)?;
    text(&value).map(Value::String)
}

fn cidr_host(given: FuncArgs) -> Answer {
    let [range, number] = arguments(given)?;
    let (range, number) = (net(&range)?.trunc(), whole(&number)?);
    let size = 1_i64 << (32 - range.prefix_len());
    let number = if number < 0 { size + number } else { number };
    if !(0..size).contains(&number) {
        return Err("the range has no such host".to_owned());
    }
    let host = u32::from(range.addr()) + u32::try_from(number).map_err(|error| error.to_string())?;
    Ok(Value::String(std::net::Ipv4Addr::from(host).to_string()))
}

fn cidr_subnet(given: FuncArgs) -> Answer {
    let [range, bits, number] = arguments(given)?;
    let (range, bits, number) = (net(&range)?.trunc(), place(&bits)?, place(&number)?);
    let length = usize::from(range.prefix_len()) + bits;
    if length > 32 || (bits < 32 && number >> bits != 0) {
        return Err("the range is too small".to_owned());
    }
    let shift = 32 - length;
    let offset = if shift == 32 { 0 } else { (number as u64) << shift };
    let address = u64::from(u32::from(range.addr())) + offset;
    let address = u32::try_from(address).map_err(|error| error.to_string())?;
    Ok(Value::String(format!(
        "{}/{length}",
        std::net::Ipv4Addr::from(address)
    )))
}

/// The first that says something.
fn coalesce(given: FuncArgs) -> Answer {
    let says = |value: &Value| match value {
        Value::Null => false,
        Value::String(text) => !text.is_empty(),
        Value::Array(list) => !list.is_empty(),
        _ => true,
    };
    given
        .into_values()
        .into_iter()
        .find(says)
        .ok_or_else(|| "nothing says anything".to_owned())
}

fn compact(given: FuncArgs) -> Answer {
    let [values] = arguments(given)?;
    let mut values = list(values)?;
    values.retain(|value| !matches!(value, Value::Null) && value.as_str() != Some(""));
    Ok(Value::Array(values))
}

fn concat(given: FuncArgs) -> Answer {
    let lists: Result<Vec<Vec<Value>>, String> = given.into_values().into_iter().map(list).collect();
    Ok(Value::Array(lists?.into_iter().flatten().collect()))
}

fn contains(given: FuncArgs) -> Answer {
    let [values, wanted] = arguments(given)?;
    Ok(Value::Bool(list(values)?.contains(&wanted)))
}

fn distinct(given: FuncArgs) -> Answer {
    let [values] = arguments(given)?;
    let mut kept: Vec<Value> = Vec::new();
    for value in list(values)? {
        if !kept.contains(&value) {
            kept.push(value);
        }
    }
    Ok(Value::Array(kept))
}

fn element(given: FuncArgs) -> Answer {
    let [values, number] = arguments(given)?;
    let values = list(values)?;
    if values.is_empty() {
        return Err("the list is empty".to_owned());
    }
    let number = place(&number)? % values.len();
    Ok(values[number].clone())
}

fn flatten(given: FuncArgs) -> Answer {
    fn into(value: Value, flat: &mut Vec<Value>) {
        match value {
            Value::Array(list) => list.into_iter().for_each(|value| into(value, flat)),
            other => flat.push(other),
        }
    }
    let [value] = arguments(given)?;
    let mut flat = Vec::new();
    into(value, &mut flat);
    Ok(Value::Array(flat))
}

/// `%s`, `%d` and `%v`.
fn format(given: FuncArgs) -> Answer {
    let mut given = given.into_values().into_iter();
    let pattern = text(&given.next().unwrap_or(Value::Null))?;
    let mut parts = pattern.split('%');
    let mut made = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let mut letters = part.chars();
        match letters.next() {
            Some('s' | 'd' | 'v') => made += &text(&given.next().unwrap_or(Value::Null))?,
            Some('%') | None => made.push('%'),
            Some(other) => return Err(format!("`%{other}` is not known here")),
        }
        made += letters.as_str();
    }
    Ok(Value::String(made))
}

fn index(given: FuncArgs) -> Answer {
    let [values, wanted] = arguments(given)?;
    let found = list(values)?.iter().position(|value| *value == wanted);
    found
        .map(Value::from)
        .ok_or_else(|| "the list does not have it".to_owned())
}

fn join(given: FuncArgs) -> Answer {
    let [between, values] = arguments(given)?;
    let parts: Result<Vec<String>, String> = list(values)?.iter().map(text).collect();
    Ok(Value::String(parts?.join(&text(&between)?)))
}

fn split(given: FuncArgs) -> Answer {
    let [between, whole] = arguments(given)?;
    let (between, whole) = (text(&between)?, text(&whole)?);
    let parts = whole
        .split(between.as_str())
        .map(|part| Value::String(part.to_owned()));
    Ok(Value::Array(parts.collect()))
}

fn keys(given: FuncArgs) -> Answer {
    let [map] = arguments(given)?;
    let mut keys: Vec<String> = match map {
        Value::Object(map) => map.keys().cloned().collect(),
        other => return Err(format!("`{other}` is no map")),
    };
    keys.sort();
    Ok(Value::Array(keys.into_iter().map(Value::String).collect()))
}

fn values(given: FuncArgs) -> Answer {
    let [map] = arguments(given)?;
    match map {
        Value::Object(map) => {
            let mut pairs: Vec<(String, Value)> = map.into_iter().collect();
            pairs.sort_by(|a, b| a.0.cmp(&b.0));
            Ok(Value::Array(pairs.into_iter().map(|(_, value)| value).collect()))
        }
        other => Err(format!("`{other}` is no map")),
    }
}

fn length(given: FuncArgs) -> Answer {
    let [value] = arguments(given)?;
    Ok(Value::from(match &value {
        Value::String(text) => text.chars().count(),
        Value::Array(list) => list.len(),
        Value::Object(map) => map.len(),
        other => return Err(format!("`{other}` has no length")),
    }))
}

fn lookup(given: FuncArgs) -> Answer {
    let mut given = given.into_values().into_iter();
    let map = given.next().unwrap_or(Value::Null);
    let key = text(&given.next().unwrap_or(Value::Null))?;
    let found = map.as_object().and_then(|map| map.get(&key)).cloned();
    found
        .or_else(|| given.next())
        .ok_or_else(|| format!("there is no `{key}`"))
}

fn lower(given: FuncArgs) -> Answer {
    let [value] = arguments(given)?;
    Ok(Value::String(text(&value)?.to_lowercase()))
}

fn upper(given: FuncArgs) -> Answer {
    let [value] = arguments(given)?;
    Ok(Value::String(text(&value)?.to_uppercase()))
}

fn numbers(given: FuncArgs) -> Result<Vec<i64>, String> {
    given.into_values().iter().map(whole).collect()
}

fn max(given: FuncArgs) -> Answer {
    numbers(given)?
        .into_iter()
        .max()
        .map(Value::from)
        .ok_or_else(|| "nothing is given".to_owned())
}

fn min(given: FuncArgs) -> Answer {
    numbers(given)?
        .into_iter()
        .min()
        .map(Value::from)
        .ok_or_else(|| "nothing is given".to_owned())
}

fn merge(given: FuncArgs) -> Answer {
    let mut merged = hcl::Map::new();
    for value in given.into_values() {
        match value {
            Value::Object(map) => merged.extend(map),
            Value::Null => {}
            other => return Err(format!("`{other}` is no map")),
        }
    }
    Ok(Value::Object(merged))
}

fn one(given: FuncArgs) -> Answer {
    let [values] = arguments(given)?;
    let mut values = list(values)?;
    match values.len() {
        0 => Ok(Value::Null),
        1 => Ok(values.remove(0)),
        _ => Err("the list has more than one element".to_owned()),
    }
}

/// As many numbers as anybody counts resources with.
const RANGE_MAX: i64 = 10_000;

fn range(given: FuncArgs) -> Answer {
    let given = numbers(given)?;
    let (first, end) = match given[..] {
        [end] => (0, end),
        [first, end] => (first, end),
        _ => return Err("a range has a begin and an end".to_owned()),
    };
    if end.saturating_sub(first) > RANGE_MAX {
        return Err("the range is too long".to_owned());
    }
    Ok(Value::Array((first..end).map(Value::from).collect()))
}

fn slice(given: FuncArgs) -> Answer {
    let [values, first, end] = arguments(given)?;
    let (values, first, end) = (list(values)?, place(&first)?, place(&end)?);
    let part = values.get(first..end).ok_or("the list is shorter")?;
    Ok(Value::Array(part.to_vec()))
}

fn sort(given: FuncArgs) -> Answer {
    let [values] = arguments(given)?;
    let texts: Result<Vec<String>, String> = list(values)?.iter().map(text).collect();
    let mut texts = texts?;
    texts.sort();
    Ok(Value::Array(texts.into_iter().map(Value::String).collect()))
}

fn zipmap(given: FuncArgs) -> Answer {
    let [keys, values] = arguments(given)?;
    let keys: Result<Vec<String>, String> = list(keys)?.iter().map(text).collect();
    let pairs = keys?.into_iter().zip(list(values)?);
    Ok(Value::Object(pairs.collect()))
}
