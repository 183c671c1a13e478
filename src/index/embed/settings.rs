//! What the user's environment asks for, read once.

use std::path::PathBuf;

use super::EmbedError;

/// Which embedder, and where its parts are. See each field for the variable it comes from.
#[derive(Clone)]
pub struct Settings {
    /// `REPLAYER_EMBEDDER`: `local` (the default), `openai:<model>` or `voyage:<model>`.
    pub choice: Choice,
    /// `REPLAYER_MODEL_DIR`: a folder with `model.onnx` and the tokenizer's files, before any other source.
    pub model_dir: Option<PathBuf>,
    /// `REPLAYER_ORT_LIB`, else `ORT_DYLIB_PATH`: ONNX Runtime's library, before any other source.
    pub ort_lib: Option<PathBuf>,
    /// `REPLAYER_CACHE_DIR`, else `replayer` in `XDG_CACHE_HOME`, else `~/.cache/replayer`.
    pub cache: PathBuf,
    /// Whether the model hub may be asked: `REPLAYER_MODEL_HUB=off` and `HF_HUB_OFFLINE=1` forbid it.
    pub hub: bool,
    /// `HF_ENDPOINT`: another hub than the one that fastembed uses by itself.
    pub hub_endpoint: Option<String>,
    key: Option<String>,
    base_url: Option<String>,
}

/// Who embeds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Choice {
    /// The model on this disk.
    Local,
    /// A service and the name of its model.
    Http(Provider, String),
}

/// The shapes of services we speak; others imitate them and are reached by their base URL.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Provider {
    /// `openai:`
    OpenAi,
    /// `voyage:`
    Voyage,
}

impl Provider {
    /// The word before the colon.
    pub fn name(self) -> &'static str {
        match self {
            Provider::OpenAi => "openai",
            Provider::Voyage => "voyage",
        }
    }

    /// The variable that holds the key.
    pub fn key_variable(self) -> &'static str {
        match self {
            Provider::OpenAi => "OPENAI_API_KEY",
            Provider::Voyage => "VOYAGE_API_KEY",
        }
    }

    fn url_variable(self) -> &'static str {
        match self {
            Provider::OpenAi => "OPENAI_BASE_URL",
            Provider::Voyage => "VOYAGE_BASE_URL",
        }
    }

    fn url(self) -> &'static str {
        match self {
            Provider::OpenAi => "https://api.openai.com/v1",
            Provider::Voyage => "https://api.voyageai.com/v1",
        }
    }
}

impl Settings {
    /// Reads this process's environment.
    ///
    /// # Errors
    /// When a variable has a value that means nothing, or no cache folder can be named.
    pub fn from_env() -> Result<Settings, EmbedError> {
        Settings::from_lookup(|name| std::env::var_os(name).map(|value| value.to_string_lossy().into_owned()))
    }

    /// Reads any environment. An empty variable counts as absent.
    ///
    /// # Errors
    /// As for [`Settings::from_env`].
    pub fn from_lookup(lookup: impl Fn(&str) -> Option<String>) -> Result<Settings, EmbedError> {
        let get = |name: &str| lookup(name).filter(|value| !value.is_empty());
        let choice = Choice::parse(get("REPLAYER_EMBEDDER").as_deref().unwrap_or("local"))?;
        let (key, base_url) = match &choice {
            Choice::Local => (None, None),
            Choice::Http(provider, _) => (get(provider.key_variable()), get(provider.url_variable())),
        };
        let home = |name: &str, under: &str| get(name).map(|home| PathBuf::from(home).join(under));
        let cache = get("REPLAYER_CACHE_DIR")
            .map(PathBuf::from)
            .or_else(|| home("XDG_CACHE_HOME", "replayer"))
            .or_else(|| home("HOME", ".cache/replayer"))
            .ok_or_else(|| EmbedError::Setting {
                name: "REPLAYER_CACHE_DIR",
                value: String::new(),
                why: "it names the folder for models where HOME is not set either; set one of them".to_owned(),
            })?;
        let is_off = |value: String| matches!(value.as_str(), "off" | "0" | "no" | "false");
        let is_on = |value: String| !matches!(value.as_str(), "off" | "0" | "no" | "false");
        Ok(Settings {
            choice,
            model_dir: get("REPLAYER_MODEL_DIR").map(PathBuf::from),
            ort_lib: get("REPLAYER_ORT_LIB").or_else(|| get("ORT_DYLIB_PATH")).map(PathBuf::from),
            cache,
            hub: !get("REPLAYER_MODEL_HUB").is_some_and(is_off) && !get("HF_HUB_OFFLINE").is_some_and(is_on),
            hub_endpoint: get("HF_ENDPOINT"),
            key,
            base_url,
        })
    }

    /// The service's key, if the environment has one.
    pub fn key(&self) -> Option<&str> {
        self.key.as_deref()
    }

    /// The base URL that the user named, if any.
    pub fn named_url(&self) -> Option<&str> {
        self.base_url.as_deref()
    }

    /// The base URL in force for a provider.
    pub fn url(&self, provider: Provider) -> &str {
        self.named_url().unwrap_or(provider.url())
    }
}

/// Keys stay out of logs.
impl std::fmt::Debug for Settings {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Settings")
            .field("choice", &self.choice)
            .field("model_dir", &self.model_dir)
            .field("ort_lib", &self.ort_lib)
            .field("cache", &self.cache)
            .field("hub", &self.hub)
            .finish_non_exhaustive()
    }
}

impl Choice {
    fn parse(text: &str) -> Result<Choice, EmbedError> {
        let wrong = |why: &str| EmbedError::Setting {
            name: "REPLAYER_EMBEDDER",
            value: text.to_owned(),
            why: format!("{why}; it takes `local`, `openai:<model>` or `voyage:<model>`"),
        };
        match text.split_once(':') {
            None if text == "local" => Ok(Choice::Local),
            Some((_, model)) if model.trim().is_empty() => Err(wrong("the model's name is missing")),
            Some(("openai", model)) => Ok(Choice::Http(Provider::OpenAi, model.to_owned())),
            Some(("voyage", model)) => Ok(Choice::Http(Provider::Voyage, model.to_owned())),
            _ => Err(wrong("no such embedder")),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
    use super::*;

    fn with(variables: &[(&str, &str)]) -> Result<Settings, EmbedError> {
        Settings::from_lookup(|name| {
            variables.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned())
        })
    }

    #[test]
    fn by_default_the_model_is_local_and_cached_in_the_home_folder() {
        let settings = with(&[("HOME", "/h"), ("REPLAYER_CACHE_DIR", "")]).unwrap();
        assert_eq!(settings.choice, Choice::Local);
        assert_eq!(settings.cache, PathBuf::from("/h/.cache/replayer"));
        assert!(settings.hub && settings.model_dir.is_none() && settings.ort_lib.is_none());
    }

    #[test]
    fn named_things_go_before_defaults() {
        let settings = with(&[
            ("HOME", "/h"),
            ("REPLAYER_CACHE_DIR", "/c"),
            ("REPLAYER_ORT_LIB", "/ours.so"),
            ("ORT_DYLIB_PATH", "/theirs.so"),
            ("REPLAYER_MODEL_HUB", "off"),
        ])
        .unwrap();
        assert_eq!(settings.cache, PathBuf::from("/c"));
        assert_eq!(settings.ort_lib, Some(PathBuf::from("/ours.so")));
        assert!(!settings.hub);
        assert!(!with(&[("HOME", "/h"), ("HF_HUB_OFFLINE", "1")]).unwrap().hub);
    }

    #[test]
    fn a_wrong_embedder_is_refused_with_the_right_forms() {
        for value in ["anthropic:x", "openai:", "remote"] {
            let error = with(&[("HOME", "/h"), ("REPLAYER_EMBEDDER", value)]).unwrap_err().to_string();
            assert!(error.contains(value) && error.contains("voyage:<model>"), "{error}");
        }
        assert!(with(&[]).unwrap_err().to_string().contains("HOME"));
    }

    #[test]
    fn a_key_is_read_for_the_chosen_provider_only_and_never_shown() {
        let variables = [("HOME", "/h"), ("REPLAYER_EMBEDDER", "voyage:voyage-3"), ("VOYAGE_API_KEY", "vk-1")];
        let settings = with(&variables).unwrap();
        assert_eq!(settings.key(), Some("vk-1"));
        assert!(!format!("{settings:?}").contains("vk-1"));
    }
}
