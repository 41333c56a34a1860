use std::collections::{BTreeMap, BTreeSet, HashMap};

use serde::Deserialize;
use serde_json::Value;

use super::{ADDITIONAL, Configuration, EXTRA, OwnRoles, is_own_role};
use crate::load_error::{LoadError, TokenizerError};
use crate::model_folder::{ADDED_TOKENS, ModelFolder, SPECIAL_TOKENS_MAP, TOKENIZER_CONFIG};
use crate::tokenizer::class::TokenizerClass;
use crate::tokenizer::ordered_object::OrderedObject;
use crate::tokenizer::source::read_small_json;
use crate::tokenizer::token_spec::{Role, TokenSpec};
use crate::tokenizer::tokenizer_json::TokenizerJson;

const DECLARED: &str = "added_tokens_decoder";

impl Configuration {
    pub(in crate::tokenizer) fn merge(
        folder: &ModelFolder,
        class: TokenizerClass,
        tokenizer_config: Option<OrderedObject>,
        json: Option<&TokenizerJson>,
    ) -> Result<Self, LoadError> {
        let mut merged = Self {
            class,
            path: folder.path().join(TOKENIZER_CONFIG),
            mapped_keys: BTreeSet::new(),
            mapped_path: folder.path().join(SPECIAL_TOKENS_MAP),
            values: tokenizer_config.unwrap_or_default(),
            declared: BTreeMap::new(),
            declared_by_content: HashMap::new(),
            own_roles: OwnRoles::default(),
        };
        merged.rename_additional();
        merged.collect_own_roles()?;
        if merged.values.get(DECLARED).is_some() {
            merged.declare_from_config()?;
        } else {
            if let Some(map) = read_small_json(folder, SPECIAL_TOKENS_MAP)? {
                merged.apply_special_tokens_map(&map)?;
            }
            if let Some(added) = read_small_json(folder, ADDED_TOKENS)? {
                merged.declare_from_file(added)?;
            }
            for (id, token) in json.map(TokenizerJson::added_tokens).transpose()?.unwrap_or_default() {
                merged.declare(id, token);
            }
        }
        Ok(merged)
    }

    /// `additional_special_tokens` is an old name of `extra_special_tokens`.
    fn rename_additional(&mut self) {
        let is_empty = |value: &Value| match value {
            Value::Null => true,
            Value::Array(list) => list.is_empty(),
            Value::Object(object) => object.is_empty(),
            _ => false,
        };
        if self.values.get(EXTRA).is_none_or(is_empty)
            && let Some(additional) = self.values.get(ADDITIONAL).cloned()
        {
            self.values.remove(ADDITIONAL);
            self.values.insert(EXTRA, additional);
        }
    }

    fn collect_own_roles(&mut self) -> Result<(), TokenizerError> {
        let mut own = Vec::new();
        for (key, value) in self.values.iter() {
            if is_own_role(key) && value.is_string() {
                own.push((key.to_owned(), self.token(key, value)?));
            }
        }
        for (key, token) in own {
            self.values.remove(&key);
            self.own_roles.set(&key, token);
        }
        self.collect_extra_roles()
    }

    /// The extra special token that has a name. The ids of several would follow their order, which is not read.
    fn collect_extra_roles(&mut self) -> Result<(), TokenizerError> {
        if let Some(Value::Object(extra)) = self.values.get(EXTRA) {
            if extra.len() > 1 {
                return Err(self.refuse(EXTRA, "a list of tokens, or an object of one"));
            }
            let mut own = Vec::new();
            for (key, value) in extra {
                own.push((key.clone(), self.token(EXTRA, value)?));
            }
            for (key, token) in own {
                self.own_roles.set(&key, token);
            }
            self.values.remove(EXTRA);
        }
        Ok(())
    }

    fn declare(&mut self, id: u32, token: TokenSpec) {
        self.declared_by_content.insert(token.content.clone(), token.clone());
        self.declared.insert(id, token);
    }

    fn declare_from_config(&mut self) -> Result<(), TokenizerError> {
        let refuse = || self.refuse(DECLARED, "an object of tokens by their ids");
        let entries = self.values.get(DECLARED).and_then(Value::as_object).ok_or_else(refuse)?;
        let mut tokens = Vec::new();
        for (id, token) in entries {
            let id = id.trim().parse().map_err(|_| refuse())?;
            tokens.push((id, TokenSpec::deserialize(token).map_err(|_| refuse())?));
        }
        for (id, token) in tokens {
            self.declare(id, token);
        }
        Ok(())
    }

    fn apply_special_tokens_map(&mut self, map: &OrderedObject) -> Result<(), TokenizerError> {
        for (key, value) in map.iter() {
            let value = match value {
                Value::Array(list) if key == EXTRA => {
                    let mut extra = match self.values.get(EXTRA) {
                        Some(Value::Array(extra)) => extra.clone(),
                        _ => Vec::new(),
                    };
                    extra.extend(list.iter().map(as_special));
                    Value::Array(extra)
                }
                Value::Object(_) if key != EXTRA => as_special(value),
                _ => value.clone(),
            };
            self.mapped_keys.insert(key.to_owned());
            self.values.insert(key, value);
        }
        self.collect_extra_roles()
    }

    /// Declares the tokens of `added_tokens.json`. Those that a key names are special, but as in transformers the
    /// objects of `tokenizer_config.json` do not count.
    fn declare_from_file(&mut self, added: HashMap<String, u32>) -> Result<(), TokenizerError> {
        let extra = self.values.get(EXTRA).and_then(Value::as_array).into_iter().flatten();
        let roles = Role::ALL.iter().filter_map(|role| self.values.get(role.key()));
        let named = extra.chain(roles).filter_map(|value| match value {
            Value::Object(token) if token.contains_key(MAPPED) => token.get("content")?.as_str(),
            value => value.as_str(),
        });
        let special: BTreeSet<String> = named.map(str::to_owned).collect();
        for (text, id) in added {
            if self.declared.contains_key(&id) {
                let path = self.path.with_file_name(ADDED_TOKENS);
                return Err(TokenizerError::Setting {
                    path,
                    key: text,
                    expected: "the only token of its id",
                });
            }
            let is_special = special.contains(&text);
            let token = TokenSpec { normalized: Some(!is_special), ..TokenSpec::object(text, is_special) };
            self.declare(id, token);
        }
        Ok(())
    }
}

/// Marks the objects of `special_tokens_map.json`.
const MAPPED: &str = "__mapped";

/// A token of `special_tokens_map.json` in the form of `tokenizer_config.json`.
fn as_special(value: &Value) -> Value {
    let mut value = value.clone();
    if let Value::Object(token) = &mut value {
        token.insert("__type".to_owned(), "AddedToken".into());
        token.insert("special".to_owned(), true.into());
        token.insert(MAPPED.to_owned(), true.into());
    }
    value
}
