"""A page in a browser that has no network."""

from __future__ import annotations


class Visit:
    """A page that is open, with what it asked of the network and complained about."""

    def __init__(self, browser, path, **options):
        self.requests, self.errors = [], []
        options = {"locale": "en-US", "bypass_csp": True, "offline": True} | options
        self.context = browser.new_context(**options)
        self.page = self.context.new_page()
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.page.on("console", lambda message: self.errors.append(message.text))
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.page.goto(path.as_uri())

    def text(self, selector):
        return self.page.inner_text(selector)

    @property
    def overflow(self):
        """By how many pixels the page is wider than the window."""
        wide = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
        return self.page.evaluate(wide)

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        requests = [each for each in self.requests if not each.startswith(("file:", "about:"))]
        self.context.close()
        if kind is None:
            assert not self.errors
            assert not requests
