// What a page is like for its readers beside what axe-core looks at; each returns a list of faults.
({
  // 1.4.10: nothing but tables and drawings, which scroll in boxes of their own, is wider than the window.
  reflow() {
    const wide = document.documentElement.scrollWidth > innerWidth;
    const inBox = (e) => e.closest(".scroll, .explorer[hidden], .unseen, .skip");
    const out = [...document.body.querySelectorAll("*")].filter(
      (e) => !inBox(e) && e.getClientRects().length && e.getBoundingClientRect().right > innerWidth + 0.5);
    return [...(wide ? ["the page scrolls sideways"] : []), ...out.map((e) => `too wide: ${e.outerHTML.slice(0, 80)}`)];
  },
  // 2.5.8: what is pressed is 24 px high and wide, but for links within a text.
  targets() {
    const pressed = [...document.querySelectorAll("button, input, select, summary, nav a")];
    return pressed.filter((e) => e.getClientRects().length).filter((e) => {
      const box = e.getBoundingClientRect();
      return box.width < 24 || box.height < 23.5;
    }).map((e) => `too small: ${e.outerHTML.slice(0, 80)}`);
  },
  // Headings go down one level at a time, and there is one of the first.
  headings() {
    const levels = [...document.querySelectorAll("h1, h2, h3, h4")].filter((e) => e.getClientRects().length)
      .map((e) => Number(e.tagName[1]));
    const jumps = levels.filter((level, i) => i && level > levels[i - 1] + 1);
    return [...(levels.filter((l) => l === 1).length === 1 ? [] : ["not one h1"]), ...jumps.map((l) => `jump to h${l}`)];
  },
  // What the keyboard must reach, in reading order.
  stops() {
    return [...document.querySelectorAll("a[href], button, input, select, summary, [tabindex='0']")]
      .filter((e) => e.getClientRects().length && !e.closest("details:not([open]) > :not(summary)"))
      .map((e, i) => { e.dataset.stop = i; return i; });
  },
  // The stop that has the focus, and whether it can be seen to have it.
  focused() {
    const e = document.activeElement;
    if (!e || e === document.body) return null;
    const style = getComputedStyle(e);
    const box = e.getBoundingClientRect();
    const ring = style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2;
    const inside = box.bottom > 0 && box.top < innerHeight;
    return { stop: Number(e.dataset.stop), ring, inside, what: e.outerHTML.slice(0, 80) };
  },
})
