//! The pages, and the fenced blocks in them.

use std::fs;
use std::path::Path;

/// A Markdown file at the top of the project.
pub(crate) struct Page {
    name: &'static str,
    text: String,
}

/// A fenced block.
#[derive(Clone, Debug)]
pub(crate) struct Block {
    /// The page it is on.
    pub(crate) page: &'static str,
    /// What stands behind the opening fence.
    pub(crate) language: String,
    /// Its lines, each with its number on the page.
    pub(crate) lines: Vec<(usize, String)>,
}

impl Page {
    /// Reads a page.
    pub(crate) fn read(name: &'static str) -> Self {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(name);
        let text = fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        Self { name, text }
    }

    /// Its blocks in a language, in order; of any if the language is empty.
    pub(crate) fn blocks(&self, language: &str) -> Vec<Block> {
        let mut blocks: Vec<Block> = Vec::new();
        let mut open: Option<Block> = None;
        for (line, number) in self.text.lines().zip(1..) {
            match (line.strip_prefix("```"), &mut open) {
                (Some(opened), None) => {
                    open = Some(Block {
                        page: self.name,
                        language: opened.trim().to_owned(),
                        lines: Vec::new(),
                    });
                }
                (Some(_), Some(_)) => blocks.extend(open.take()),
                (None, Some(block)) => block.lines.push((number, line.to_owned())),
                (None, None) => {}
            }
        }
        assert!(open.is_none(), "{}: a block is not closed", self.name);
        blocks.retain(|block| language.is_empty() || block.language == language);
        blocks
    }
}

impl Block {
    /// Where a line is, as editors understand it.
    pub(crate) fn place(&self, number: usize) -> String {
        format!("{}:{number}", self.page)
    }
}
