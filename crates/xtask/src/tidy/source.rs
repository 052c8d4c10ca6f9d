//! Rust text taken apart far enough to tell code from comments and strings.

/// A Rust text in layers. Every layer has the lines of the original; what does not belong to it
/// is blank.
pub struct Rust {
    /// Without comments and without what stands inside quotes.
    pub code: String,
    /// Without comments.
    pub uncommented: String,
    /// What stands inside quotes, in order.
    pub strings: Vec<Literal>,
    /// The parts that are compiled for tests only, as first and last line, counted from 1.
    test_parts: Vec<(usize, usize)>,
}

/// A string literal.
pub struct Literal {
    /// Where it starts, counted from 1.
    pub line: usize,
    /// As it is written: escapes are not resolved.
    pub text: String,
}

impl Rust {
    pub fn take_apart(text: &str) -> Self {
        let mut scanner = Scanner::new(text);
        while scanner.at < scanner.chars.len() {
            scanner.step();
        }
        let Scanner { code, uncommented, strings, .. } = scanner;
        let test_parts = test_parts(&code);
        Self { code, uncommented, strings, test_parts }
    }

    /// Whether the line, counted from 1, is compiled for tests only.
    pub fn is_test(&self, line: usize) -> bool {
        self.test_parts.iter().any(|(first, last)| (*first..=*last).contains(&line))
    }
}

struct Scanner {
    chars: Vec<char>,
    at: usize,
    line: usize,
    code: String,
    uncommented: String,
    strings: Vec<Literal>,
}

/// What a character belongs to.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Layer {
    Code,
    Quoted,
    Comment,
}

impl Scanner {
    fn new(text: &str) -> Self {
        Self {
            chars: text.chars().collect(),
            at: 0,
            line: 1,
            code: String::with_capacity(text.len()),
            uncommented: String::with_capacity(text.len()),
            strings: Vec::new(),
        }
    }

    fn step(&mut self) {
        match (self.peek(0), self.peek(1)) {
            ('/', '/') => self.line_comment(),
            ('/', '*') => self.block_comment(),
            ('"', _) => self.string(),
            ('r', '"' | '#') if !self.follows_a_name() => self.raw_string(1),
            ('b' | 'c', 'r') if !self.follows_a_name() => self.raw_string(2),
            ('\'', _) => self.char_or_lifetime(),
            _ => self.take(Layer::Code),
        }
    }

    fn peek(&self, ahead: usize) -> char {
        self.chars.get(self.at + ahead).copied().unwrap_or('\0')
    }

    fn follows_a_name(&self) -> bool {
        let before = self.at.checked_sub(1).and_then(|at| self.chars.get(at));
        before.is_some_and(|before| before.is_alphanumeric() || *before == '_')
    }

    /// Moves one character on and writes it into the layers that it belongs to.
    fn take(&mut self, layer: Layer) {
        let Some(found) = self.chars.get(self.at).copied() else { return };
        let blank = if found == '\n' { '\n' } else { ' ' };
        self.code.push(if layer == Layer::Code { found } else { blank });
        self.uncommented.push(if layer == Layer::Comment { blank } else { found });
        self.line += usize::from(found == '\n');
        self.at += 1;
    }

    fn take_many(&mut self, count: usize, layer: Layer) {
        for _ in 0..count {
            self.take(layer);
        }
    }

    fn line_comment(&mut self) {
        while self.at < self.chars.len() && self.peek(0) != '\n' {
            self.take(Layer::Comment);
        }
    }

    fn block_comment(&mut self) {
        let mut depth = 0_usize;
        while self.at < self.chars.len() {
            match (self.peek(0), self.peek(1)) {
                ('/', '*') => depth += 1,
                ('*', '/') => depth -= 1,
                _ => {
                    self.take(Layer::Comment);
                    continue;
                }
            }
            self.take_many(2, Layer::Comment);
            if depth == 0 {
                return;
            }
        }
    }

    fn string(&mut self) {
        self.take(Layer::Code);
        let (line, start) = (self.line, self.at);
        while self.at < self.chars.len() && self.peek(0) != '"' {
            let escaped = usize::from(self.peek(0) == '\\');
            self.take_many(1 + escaped, Layer::Quoted);
        }
        self.keep_string(line, start);
        self.take(Layer::Code);
    }

    /// `prefix` is the length of `r` or `br`; a raw name (`r#fn`) is passed over as code.
    fn raw_string(&mut self, prefix: usize) {
        let mut hashes = 0;
        while self.peek(prefix + hashes) == '#' {
            hashes += 1;
        }
        if self.peek(prefix + hashes) != '"' {
            self.take(Layer::Code);
            return;
        }
        self.take_many(prefix + hashes + 1, Layer::Code);
        let (line, start) = (self.line, self.at);
        let closes = |scanner: &Self| {
            scanner.peek(0) == '"' && (1..=hashes).all(|ahead| scanner.peek(ahead) == '#')
        };
        while self.at < self.chars.len() && !closes(self) {
            self.take(Layer::Quoted);
        }
        self.keep_string(line, start);
        self.take_many(1 + hashes, Layer::Code);
    }

    fn keep_string(&mut self, line: usize, start: usize) {
        let text = self.chars[start..self.at].iter().collect();
        self.strings.push(Literal { line, text });
    }

    fn char_or_lifetime(&mut self) {
        let is_char = self.peek(1) == '\\' || self.peek(2) == '\'';
        self.take(Layer::Code);
        if !is_char {
            return;
        }
        let escaped = usize::from(self.peek(0) == '\\');
        self.take_many(1 + escaped, Layer::Quoted);
        while self.at < self.chars.len() && self.peek(0) != '\'' {
            self.take(Layer::Quoted);
        }
        self.take(Layer::Code);
    }
}

/// The items that stand under `#[cfg(test)]`.
fn test_parts(code: &str) -> Vec<(usize, usize)> {
    let attributes = ["#[cfg(test)]", "#[cfg(all(test,"];
    let starts = attributes.iter().flat_map(|attribute| code.match_indices(attribute));
    starts
        .filter_map(|(start, attribute)| {
            let (End::Brace(end) | End::Semicolon(end)) = item_end(code, start + attribute.len())?;
            Some((line_at(code, start), line_at(code, end)))
        })
        .collect()
}

/// How an item ends, and where.
#[derive(Debug, PartialEq, Eq)]
pub enum End {
    /// With the brace that closes its body.
    Brace(usize),
    /// With a semicolon: it has no body.
    Semicolon(usize),
}

/// Finds the end of the item whose head stands at `from`, in code without strings.
pub fn item_end(code: &str, from: usize) -> Option<End> {
    let mut nested = 0_usize;
    let mut braces = 0_usize;
    for (at, found) in code[from..].char_indices() {
        match found {
            '(' | '[' if braces == 0 => nested += 1,
            ')' | ']' if braces == 0 => nested = nested.saturating_sub(1),
            ';' if braces == 0 && nested == 0 => return Some(End::Semicolon(from + at)),
            '{' => braces += 1,
            '}' => {
                braces = braces.checked_sub(1)?;
                if braces == 0 {
                    return Some(End::Brace(from + at));
                }
            }
            _ => {}
        }
    }
    None
}

/// The line, counted from 1, of a place in a text.
pub fn line_at(text: &str, place: usize) -> usize {
    1 + text[..place].matches('\n').count()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn strings(text: &str) -> Vec<(usize, String)> {
        let rust = Rust::take_apart(text);
        rust.strings.into_iter().map(|found| (found.line, found.text)).collect()
    }

    #[test]
    fn comments_and_strings_are_not_code() {
        let rust = Rust::take_apart("a(\"x // y\"); // b \"c\"\n/* d /* e */ \" f */ g");
        assert_eq!(rust.code, "a(\"      \");         \n                    g".to_owned());
        assert_eq!(rust.uncommented, "a(\"x // y\");         \n                    g");
        assert_eq!(rust.strings.len(), 1);
    }

    #[test]
    fn every_kind_of_string_is_read() {
        let text = "f(\"a\\\"b\",\n r\"c\\\", r##\"d\"#e\"##, b\"f\", br#\"g\"#, c\"h\")";
        let found = strings(text);
        let expected = ["a\\\"b", "c\\", "d\"#e", "f", "g", "h"];
        assert_eq!(found.iter().map(|(_, text)| text.as_str()).collect::<Vec<_>>(), expected);
        assert_eq!((found[0].0, found[1].0), (1, 2));
    }

    #[test]
    fn quotes_of_characters_and_lifetimes_open_no_string() {
        let text = "let a: &'a str = f('\"', '\\'', '\\u{22}', b'\"'); r#fn(); bar\"x\"";
        assert_eq!(strings(text), [(1, "x".to_owned())]);
    }

    #[test]
    fn an_unfinished_text_ends() {
        for text in ["\"abc\\", "r#\"abc", "/* abc", "'", "r#", "'\\"] {
            let rust = Rust::take_apart(text);
            assert_eq!(rust.code.chars().count(), text.chars().count(), "{text}");
        }
    }

    #[test]
    fn parts_for_tests_are_known() {
        let text = "fn a() {}\n#[cfg(test)]\nmod tests {\n    fn b() {}\n}\nfn c() {}\n\
                    #[cfg(test)]\nmod more;\nfn d() {}\n";
        let rust = Rust::take_apart(text);
        let lines: Vec<usize> = (1..=9).filter(|line| rust.is_test(*line)).collect();
        assert_eq!(lines, [2, 3, 4, 5, 7, 8]);
    }
}
