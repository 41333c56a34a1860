mod merging;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::PathBuf;

use serde::Deserialize;
use serde_json::Value;

use super::class::TokenizerClass;
use super::ordered_object::OrderedObject;
use super::token_spec::{Role, TokenSpec};
use crate::load_error::TokenizerError;

const EXTRA: &str = "extra_special_tokens";
const ADDITIONAL: &str = "additional_special_tokens";

/// What the files beside a vocabulary set, merged as transformers merges them: `tokenizer_config.json`, and where it
/// has no `added_tokens_decoder`, over it `special_tokens_map.json`, `added_tokens.json` and the added tokens of
/// `tokenizer.json`.
pub(super) struct Configuration {
    class: TokenizerClass,
    path: PathBuf,
    /// The keys that `special_tokens_map.json` sets.
    mapped_keys: BTreeSet<String>,
    mapped_path: PathBuf,
    values: OrderedObject,
    /// Added tokens by the ids that the files give them, which only order them.
    declared: BTreeMap<u32, TokenSpec>,
    declared_by_content: HashMap<String, TokenSpec>,
    /// Special tokens under names that only this model has.
    own_roles: OwnRoles,
}

/// Special tokens by their keys, in the order in which they get ids.
#[derive(Default)]
struct OwnRoles(Vec<(String, TokenSpec)>);

impl OwnRoles {
    fn set(&mut self, key: &str, token: TokenSpec) {
        match self.0.iter_mut().find(|(name, _)| name == key) {
            Some((_, place)) => *place = token,
            None => self.0.push((key.to_owned(), token)),
        }
    }
}

/// What the files set for a role.
enum Configured {
    Nothing,
    Null,
    Token(TokenSpec),
}

impl Configuration {
    /// What the files set for `role`.
    fn configured(&self, role: Role) -> Result<Configured, TokenizerError> {
        Ok(match self.values.get(role.key()) {
            None => Configured::Nothing,
            Some(Value::Null) => Configured::Null,
            Some(value) => Configured::Token(self.token(role.key(), value)?),
        })
    }

    /// The token of `role`, with the properties that the list of added tokens gives it; none where the class has none
    /// or the files set null.
    pub(super) fn role(&self, role: Role) -> Result<Option<TokenSpec>, TokenizerError> {
        let mut token = match self.configured(role)? {
            Configured::Nothing => self.class.default_token(role).map(TokenSpec::string),
            Configured::Null => None,
            Configured::Token(token) => {
                Some(self.declared_by_content.get(&token.content).cloned().unwrap_or(token))
            }
        };
        if let (TokenizerClass::Camembert, Role::Mask, Some(mask)) = (self.class, role, &mut token) {
            mask.lstrip |= mask.is_string;
        }
        Ok(token)
    }

    /// The text of the token of `role`.
    ///
    /// # Errors
    /// If there is none.
    pub(super) fn required(&self, role: Role) -> Result<String, TokenizerError> {
        let token = self.role(role)?.filter(|token| !token.content.is_empty());
        token.map(content).ok_or_else(|| self.refuse(role.key(), "a token, which this class needs"))
    }

    /// The tokens that the tokenizer gets beside its vocabulary, in the order in which they get their ids. `existing`
    /// are the added tokens that it has, `padding` is the token that it pads with, `control` are the tokens of a
    /// SentencePiece model.
    pub(super) fn tokens_to_add(
        &self,
        existing: &BTreeSet<String>,
        padding: Option<String>,
        control: Option<Vec<TokenSpec>>,
    ) -> Result<Vec<TokenSpec>, TokenizerError> {
        let mut padding =
            padding.filter(|_| self.values.get(Role::Pad.key()).is_none()).map(TokenSpec::string);
        let mut roles = Vec::new();
        for role in Role::ALL {
            roles.extend(self.role(role)?);
            roles.extend(padding.take_if(|_| role == Role::Pad));
        }
        let mut own_roles = OwnRoles::default();
        for (key, value) in self.values.iter() {
            if is_own_role(key) && (value.is_string() || is_added_token(value)) {
                own_roles.set(key, self.token(key, value)?);
            }
        }
        for (key, token) in &self.own_roles.0 {
            own_roles.set(key, token.clone());
        }
        roles.extend(own_roles.0.into_iter().map(|(_, token)| token));
        let named: BTreeSet<String> = roles.iter().map(|token| token.content.clone()).collect();
        let mut known = existing.clone();
        known.extend(self.declared.values().map(|token| token.content.clone()));

        let mut tokens: Vec<_> = self.declared.values().cloned().collect();
        for token in roles.into_iter().chain(self.extra_or(control)?) {
            if !known.contains(&token.content) && !tokens.contains(&token) {
                tokens.push(token);
            }
        }
        for token in &mut tokens {
            token.special |= named.contains(&token.content);
        }
        Ok(tokens)
    }

    /// The extra special tokens of the files, else those of the SentencePiece model or of the class.
    fn extra_or(&self, control: Option<Vec<TokenSpec>>) -> Result<Vec<TokenSpec>, TokenizerError> {
        if let Some(extra) = self.extra()? {
            return Ok(extra);
        }
        if let Some(control) = control {
            return Ok(control);
        }
        Ok(match self.list(ADDITIONAL)? {
            Some(additional) => additional,
            None if self.class == TokenizerClass::Camembert => {
                ["<s>NOTUSED", "</s>NOTUSED", "<unk>NOTUSED"].map(TokenSpec::string).into()
            }
            None => Vec::new(),
        })
    }

    /// The extra special tokens; none where the key is absent.
    fn extra(&self) -> Result<Option<Vec<TokenSpec>>, TokenizerError> {
        Ok(self.list(EXTRA)?.or_else(|| self.values.get(EXTRA).map(|_| Vec::new())))
    }

    fn list(&self, key: &str) -> Result<Option<Vec<TokenSpec>>, TokenizerError> {
        match self.values.get(key) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::Array(list)) => {
                list.iter().map(|value| self.token(key, value)).collect::<Result<_, _>>().map(Some)
            }
            Some(_) => Err(self.refuse(key, "a list of tokens")),
        }
    }

    /// The flag `key`; `default` where it is absent.
    pub(super) fn flag(&self, key: &str, default: bool) -> Result<bool, TokenizerError> {
        match self.values.get(key) {
            None => Ok(default),
            Some(Value::Bool(flag)) => Ok(*flag),
            Some(_) => Err(self.refuse(key, "true or false")),
        }
    }

    /// The flag `key`; none where it is absent or null.
    pub(super) fn optional_flag(&self, key: &str) -> Result<Option<bool>, TokenizerError> {
        match self.values.get(key) {
            Some(Value::Null) => Ok(None),
            value => value.map(|_| self.flag(key, false)).transpose(),
        }
    }

    /// The whole number `key`; `default` where it is absent.
    pub(super) fn number(&self, key: &str, default: usize) -> Result<usize, TokenizerError> {
        let Some(value) = self.values.get(key) else { return Ok(default) };
        let number = value.as_u64().and_then(|number| usize::try_from(number).ok());
        number.ok_or_else(|| self.refuse(key, "a whole number"))
    }

    fn token(&self, key: &str, value: &Value) -> Result<TokenSpec, TokenizerError> {
        let token = match value {
            Value::String(text) => Some(TokenSpec::string(text)),
            value if is_added_token(value) => TokenSpec::deserialize(value).ok(),
            _ => None,
        };
        token.ok_or_else(|| self.refuse(key, "a string, or a token with \"__type\": \"AddedToken\""))
    }

    fn refuse(&self, key: &str, expected: &'static str) -> TokenizerError {
        let path = if self.mapped_keys.contains(key) { &self.mapped_path } else { &self.path };
        TokenizerError::Setting { path: path.clone(), key: key.to_owned(), expected }
    }
}

fn content(token: TokenSpec) -> String {
    token.content
}

/// Whether `key` names a special token that is not one of [`Role`].
fn is_own_role(key: &str) -> bool {
    key.ends_with("_token") && Role::ALL.iter().all(|role| role.key() != key)
}

fn is_added_token(value: &Value) -> bool {
    value.get("__type").and_then(Value::as_str) == Some("AddedToken")
}
