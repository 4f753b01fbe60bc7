//! A headless Chromium, driven through chromedriver, and a person's actions in the page.

use std::io::ErrorKind;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use fantoccini::actions::{WheelAction, WheelActions};
use fantoccini::wd::{WebDriverCompatibleCommand, WindowHandle};
use fantoccini::{Client as Driver, ClientBuilder, Locator};
use http::Method;
use hyper_util::client::legacy::connect::HttpConnector;
use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use serde_json::{Value, json};
use url::{ParseError, Url};

use super::{Http, LONG_DEADLINE, eventually, ports, skip};

/// A running chromedriver. Its browsers are killed with it.
#[derive(Debug)]
pub struct Browser {
    port: u16,
    process: Child,
    folder: PathBuf,
}

/// One window with a profile of its own, as on another computer.
#[derive(Debug)]
pub struct Page {
    driver: Driver,
}

impl Browser {
    /// Starts chromedriver; `None`, with a message on stderr, if it is not installed.
    pub async fn start() -> Option<Self> {
        let port = ports::reserve();
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("browser-{port}"));
        std::fs::create_dir_all(&folder).expect("the target folder can be written");
        let process = Command::new("chromedriver")
            .arg(format!("--port={port}"))
            .env("TMPDIR", &folder)
            .process_group(0)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        let process = match process {
            Ok(process) => process,
            Err(error) if error.kind() == ErrorKind::NotFound => {
                skip("chromedriver");
                return None;
            }
            Err(error) => panic!("chromedriver can't be started: {error}"),
        };
        let browser = Self { port, process, folder };
        let answers = async || (Http::new(port).status("/status").await == Some(200)).then_some(());
        eventually("chromedriver answers", LONG_DEADLINE, answers).await;
        Some(browser)
    }

    /// Opens the client of a port in a window with a new profile.
    pub async fn open(&self, port: u16) -> Page {
        self.open_with(port, "").await
    }

    /// The same, where a script runs before any of the page's.
    pub async fn open_with(&self, port: u16, script: &str) -> Page {
        self.open_after(&format!("http://127.0.0.1:{port}/"), script).await
    }

    /// Opens the client of a port, as [`Self::open`] does, and enters a name and a room.
    pub async fn enter(&self, port: u16, name: &str, room: &str) -> Page {
        let page = self.open(port).await;
        page.join(name, room).await;
        page
    }

    /// Opens an address in a window with a new profile.
    pub async fn open_at(&self, address: &str) -> Page {
        self.open_after(address, "").await
    }

    /// Opens an address in a window with a new profile, where a script runs before any of the page's.
    pub async fn open_after(&self, address: &str, script: &str) -> Page {
        let page = self.load_after(address, script).await;
        // main.js removes it as its last step.
        page.until("document.getElementById('load-failure') === null").await;
        page
    }

    /// The same for a page in which the client may not start.
    pub async fn load(&self, address: &str) -> Page {
        self.load_after(address, "").await
    }

    async fn load_after(&self, address: &str, script: &str) -> Page {
        let arguments = [
            "--headless=new",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-dev-shm-usage",
            "--window-size=1200,800",
            "--lang=bn",
        ];
        let capabilities = json!({ "goog:chromeOptions": { "args": arguments } });
        let driver = ClientBuilder::new(HttpConnector::new())
            .capabilities(capabilities.as_object().expect("an object").clone())
            .connect(&format!("http://127.0.0.1:{}", self.port))
            .await
            .expect("Chromium starts");
        let first = Devtools("Page.addScriptToEvaluateOnNewDocument", json!({ "source": script }));
        driver.issue_cmd(first).await.expect("Chromium takes a script");
        driver.goto(address).await.expect("the page loads");
        Page { driver }
    }
}

/// Chromedriver's way to a command of its browser's DevTools protocol, with parameters.
#[derive(Debug)]
struct Devtools(&'static str, Value);

impl WebDriverCompatibleCommand for Devtools {
    fn endpoint(&self, base: &Url, session: Option<&str>) -> Result<Url, ParseError> {
        base.join(&format!("session/{}/goog/cdp/execute", session.unwrap_or_default()))
    }

    fn method_and_body(&self, _: &Url) -> (Method, Option<String>) {
        let command = json!({ "cmd": self.0, "params": self.1 });
        (Method::POST, Some(command.to_string()))
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // Fails only if it has ended already.
        let _ = killpg(Pid::from_raw(self.process.id().cast_signed()), Signal::SIGKILL);
        let _ = self.process.wait();
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

impl Page {
    /// Enters a name and a room and waits until the room is open.
    pub async fn join(&self, name: &str, room: &str) {
        self.fill("#name", name).await;
        self.fill("#room", room).await;
        self.click("#join-button").await;
        self.until("document.body.dataset.screen === 'chat'").await;
        self.until("document.body.dataset.connection === 'online'").await;
    }

    /// Leaves as a guest.
    pub async fn leaves(&self) {
        self.click("#account-button").await;
        self.click("#leave-chat").await;
    }

    /// Writes a message and sends it.
    pub async fn posts(&self, content: &str) {
        self.fill("#composer-input", content).await;
        self.click("#composer-send").await;
    }

    /// Waits until the timeline shows a message.
    pub async fn shows(&self, content: &str) {
        eventually(&format!("{content:?} in the timeline"), LONG_DEADLINE, async || {
            self.messages().await.iter().any(|shown| shown == content).then_some(())
        })
        .await;
    }

    /// The contents of all messages in the timeline, from the top.
    pub async fn messages(&self) -> Vec<String> {
        let script = "[...document.querySelectorAll('#timeline .message__content')].map(p => p.textContent)";
        let messages = self.value(script).await;
        serde_json::from_value(messages).expect("a list of texts")
    }

    /// The value of an expression in the page.
    pub async fn value(&self, expression: &str) -> Value {
        let script = format!("return {expression}");
        self.driver.execute(&script, Vec::new()).await.unwrap_or_else(|error| panic!("{expression}: {error}"))
    }

    /// Waits until an expression in the page is true.
    pub async fn until(&self, expression: &str) {
        eventually(expression, LONG_DEADLINE, async || (self.value(expression).await == true).then_some(()))
            .await;
    }

    /// Replaces the text of a field as typing would.
    pub async fn fill(&self, selector: &str, text: &str) {
        let field = self.driver.find(Locator::Css(selector)).await.expect(selector);
        field.clear().await.expect(selector);
        field.send_keys(text).await.expect(selector);
    }

    /// Clicks an element.
    pub async fn click(&self, selector: &str) {
        let element = self.driver.find(Locator::Css(selector)).await.expect(selector);
        element.click().await.expect(selector);
    }

    /// Clicks an element if a person could.
    pub async fn click_if_shown(&self, selector: &str) {
        let element = self.driver.find(Locator::Css(selector)).await.expect(selector);
        // A hidden element can't be clicked, and it may be hidden at this moment.
        let _ = element.click().await;
    }

    /// Chooses an option of a list.
    pub async fn choose(&self, selector: &str, value: &str) {
        let list = self.driver.find(Locator::Css(selector)).await.expect(selector);
        list.select_by_value(value).await.expect(selector);
    }

    /// Presses a key, or keys one after another, where the focus is.
    pub async fn press(&self, keys: &str) {
        let focused = self.driver.active_element().await.expect("something has the focus");
        focused.send_keys(keys).await.expect(keys);
    }

    /// Scrolls the wheel over the middle of an element, down by so many pixels.
    pub async fn turn_wheel(&self, selector: &str, pixels: i64) {
        let element = self.driver.find(Locator::Css(selector)).await.expect(selector);
        let (x, y, width, height) = element.rectangle().await.expect(selector);
        let (x, y) = ((x + width / 2.0) as i64, (y + height / 2.0) as i64);
        let mut wheel = WheelActions::new("wheel".to_owned());
        wheel.push(WheelAction::Scroll { duration: None, x, y, delta_x: 0, delta_y: pixels });
        self.driver.perform_actions(wheel).await.expect("the wheel turns");
    }

    /// Goes one entry back in the window's history.
    pub async fn back(&self) {
        self.driver.back().await.expect("the window goes back");
    }

    /// Opens an address of the same site, from its root.
    pub async fn visit(&self, path: &str) {
        let here = self.driver.current_url().await.expect("the window has an address");
        let there = here.join(path).expect("a path").to_string();
        self.driver.goto(&there).await.expect("the page loads");
    }

    /// Makes the window as wide and high as a device.
    pub async fn resize(&self, width: u32, height: u32) {
        self.driver.set_window_size(width, height).await.expect("the window changes");
    }

    /// Shows the page as a device with a screen of this size does, also smaller than a window can be.
    pub async fn shrink(&self, width: u32, height: u32) {
        let screen = json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": false });
        self.devtools("Emulation.setDeviceMetricsOverride", screen).await;
    }

    /// Gives a command to the browser, as its DevTools would.
    pub async fn devtools(&self, command: &'static str, parameters: Value) {
        self.driver.issue_cmd(Devtools(command, parameters)).await.expect(command);
    }

    /// Loads the page again.
    pub async fn reload(&self) {
        self.driver.refresh().await.expect("the page loads again");
    }

    /// Opens another window of the same profile at this page's address, and goes on there. Returns the window before.
    pub async fn opens_tab(&self) -> WindowHandle {
        let before = self.driver.window().await.expect("a window");
        let address = self.driver.current_url().await.expect("the window has an address");
        let tab = self.driver.new_window(true).await.expect("another window opens");
        self.driver.switch_to_window(tab.handle).await.expect("the other window");
        self.driver.goto(address.as_str()).await.expect("the page loads");
        before
    }

    /// Goes on in another window of the same profile. Returns the window before.
    pub async fn turns_to(&self, window: WindowHandle) -> WindowHandle {
        let before = self.driver.window().await.expect("a window");
        self.driver.switch_to_window(window).await.expect("the other window");
        before
    }

    /// Closes the window.
    pub async fn close(self) {
        self.driver.close().await.expect("the window closes");
    }
}
