//! A query in its smallest parts.

/// The parts of a query, without spaces and comments. Texts keep their quotes.
///
/// # Errors
/// A text that does not end.
pub fn tokens(query: &str) -> Result<Vec<String>, String> {
    let characters: Vec<char> = query.chars().collect();
    let mut tokens = Vec::new();
    let mut at = 0;
    while at < characters.len() {
        let start = at;
        let is_word = |character: char| character.is_alphanumeric() || "_:.".contains(character);
        match characters[at] {
            space if space.is_whitespace() => {
                at += 1;
                continue;
            }
            '#' => {
                at += characters[at..].iter().take_while(|character| **character != '\n').count();
                continue;
            }
            quote @ ('"' | '\'') => {
                at += 1;
                while *characters.get(at).ok_or("a text without an end")? != quote {
                    at += if characters[at] == '\\' { 2 } else { 1 };
                }
                at += 1;
            }
            first if is_word(first) => {
                while at < characters.len() && is_word(characters[at]) {
                    at += 1;
                }
            }
            _ => {
                let two: String = characters[at..].iter().take(2).collect();
                at += if ["==", "!=", "<=", ">=", "=~", "!~"].contains(&two.as_str()) { 2 } else { 1 };
            }
        }
        tokens.push(characters[start..at].iter().collect());
    }
    Ok(tokens)
}
