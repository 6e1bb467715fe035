//! Paths in the arguments and bodies of macros, which are tokens and no code yet.

use proc_macro2::{Delimiter, Group, TokenStream, TokenTree};

use super::source::{EXTERN, GLOB, Segments, Written};

/// The paths in a macro that `module` calls or defines.
pub(super) fn paths(stream: TokenStream, module: &[String]) -> Vec<Written> {
    let mut found = Vec::new();
    Tokens::of(stream).read(module, &mut found);
    found
}

struct Tokens {
    tokens: Vec<TokenTree>,
    next: usize,
}

/// How a path goes on after its identifiers.
enum End {
    Plain,
    Glob,
    Group(Group),
}

impl Tokens {
    fn of(stream: TokenStream) -> Self {
        Self {
            tokens: stream.into_iter().collect(),
            next: 0,
        }
    }

    fn read(mut self, module: &[String], found: &mut Vec<Written>) {
        while let Some(token) = self.tokens.get(self.next).cloned() {
            match token {
                TokenTree::Group(group) => {
                    self.next += 1;
                    Self::of(group.stream()).read(module, found);
                }
                TokenTree::Ident(ident) if ident == "mod" => {
                    self.next += 1;
                    let inside = self.take_inline_module(module);
                    if let Some((module, body)) = inside {
                        Self::of(body.stream()).read(&module, found);
                    }
                }
                TokenTree::Ident(_) => {
                    let before = self.extern_prefix();
                    let by_macro = self.follows("$");
                    self.read_path(&before, by_macro, module, found);
                }
                TokenTree::Punct(_) | TokenTree::Literal(_) => self.next += 1,
            }
        }
    }

    /// What follows the word `mod`: `name { … }` or, in a macro's body, `$name { … }`.
    fn take_inline_module(&mut self, module: &[String]) -> Option<(Segments, Group)> {
        let from = self.next + usize::from(self.is_punct(self.next, '$'));
        match (self.tokens.get(from), self.tokens.get(from + 1)) {
            (Some(TokenTree::Ident(name)), Some(TokenTree::Group(body)))
                if body.delimiter() == Delimiter::Brace =>
            {
                self.next = from + 2;
                Some(([module, &[name.to_string()]].concat(), body.clone()))
            }
            _ => None,
        }
    }

    /// Reads the path that begins with the next token, or the several of `a::{b, c}`.
    fn read_path(
        &mut self,
        before: &[String],
        by_macro: bool,
        module: &[String],
        found: &mut Vec<Written>,
    ) {
        let line = self.line();
        let (identifiers, end) = self.take_path();
        let mut path = [before, &identifiers].concat();
        match end {
            End::Plain => {}
            End::Glob => path.push(GLOB.to_owned()),
            End::Group(group) => {
                return Self::of(group.stream()).read_group(&path, by_macro, module, found);
            }
        }
        // A metavariable such as `$error::new` begins with an unknown name.
        let is_metavariable = by_macro && path[0] != "crate";
        if path.len() > 1 && !is_metavariable {
            found.push(Written {
                line,
                module: module.to_vec(),
                path,
                by_macro,
            });
        }
    }

    /// The inside of `before::{…}`.
    fn read_group(
        mut self,
        before: &[String],
        by_macro: bool,
        module: &[String],
        found: &mut Vec<Written>,
    ) {
        while let Some(token) = self.tokens.get(self.next).cloned() {
            match token {
                TokenTree::Ident(ident) if ident == "as" => self.next += 2,
                TokenTree::Ident(ident) if ident == "self" => {
                    found.push(Written {
                        line: self.line(),
                        module: module.to_vec(),
                        path: before.to_vec(),
                        by_macro,
                    });
                    self.next += 1;
                }
                TokenTree::Ident(_) => self.read_path(before, by_macro, module, found),
                _ => self.next += 1,
            }
        }
    }

    fn take_path(&mut self) -> (Segments, End) {
        let mut path = Segments::new();
        while let Some(TokenTree::Ident(ident)) = self.tokens.get(self.next) {
            path.push(ident.to_string());
            self.next += 1;
            if !self.is_separator(self.next) {
                return (path, End::Plain);
            }
            self.next += 2;
        }
        match self.tokens.get(self.next) {
            Some(TokenTree::Group(group)) if group.delimiter() == Delimiter::Brace => {
                let group = group.clone();
                self.next += 1;
                (path, End::Group(group))
            }
            Some(TokenTree::Punct(star)) if star.as_char() == '*' => {
                self.next += 1;
                (path, End::Glob)
            }
            _ => (path, End::Plain),
        }
    }

    /// Marks a path with a leading `::`. In `Vec::<u8>::new` the second one leads nothing.
    fn extern_prefix(&self) -> Segments {
        let leads = self.next >= 2 && self.is_separator(self.next - 2);
        let is_associated = self.next >= 3 && self.is_punct(self.next - 3, '>');
        (leads && !is_associated)
            .then(|| EXTERN.to_owned())
            .into_iter()
            .collect()
    }

    fn follows(&self, punct: &str) -> bool {
        self.next >= 1 && self.tokens[self.next - 1].to_string() == punct
    }

    fn is_separator(&self, at: usize) -> bool {
        self.is_punct(at, ':') && self.is_punct(at + 1, ':')
    }

    fn is_punct(&self, at: usize, character: char) -> bool {
        matches!(self.tokens.get(at), Some(TokenTree::Punct(punct)) if punct.as_char() == character)
    }

    fn line(&self) -> usize {
        self.tokens[self.next].span().start().line
    }
}
