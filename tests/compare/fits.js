// What does not fit on the page as it is drawn, in words; nothing where everything does.
() => {
  const found = [];
  const named = (e) => `${e.tagName.toLowerCase()}.${e.getAttribute("class") || ""} "${e.textContent.trim().slice(0, 40)}"`;
  const root = document.documentElement;
  if (root.scrollWidth > innerWidth) found.push(`the page is ${root.scrollWidth} wide`);
  for (const e of document.body.querySelectorAll("*")) {
    const style = getComputedStyle(e);
    if (style.display === "none" || e.closest(".unseen") || e.closest("svg")) continue;
    const box = e.getBoundingClientRect();
    if (box.width && (box.right > innerWidth + 0.5 || box.left < -0.5)) found.push(`${named(e)} leaves the page`);
    if (style.overflowX !== "visible" && e.scrollWidth > e.clientWidth + 1) found.push(`${named(e)} is cut off`);
  }
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    const block = node.parentElement.closest("td, th, dd, dt, li, p, caption, figcaption, h1, h2, h3");
    if (!block || node.parentElement.closest(".unseen, svg")) continue;
    const range = document.createRange();
    range.selectNodeContents(node);
    const box = block.getBoundingClientRect();
    for (const line of range.getClientRects())
      if (line.width && (line.right > box.right + 1 || line.left < box.left - 1)) found.push(`${named(block)} runs over its edge`);
  }
  for (const svg of document.querySelectorAll("svg.plot")) {
    if (getComputedStyle(svg).display === "none") continue;
    const view = svg.viewBox.baseVal;
    const scale = svg.getBoundingClientRect().width / view.width;
    const texts = [...svg.querySelectorAll("text")].map((e) => [e, e.getBBox()]);
    for (const [e, box] of texts) {
      if (box.x < 0 || box.y < 0 || box.x + box.width > view.width || box.y + box.height > view.height)
        found.push(`${named(e)} leaves its drawing`);
      if (parseFloat(getComputedStyle(e).fontSize) * scale < 11) found.push(`${named(e)} is too small`);
    }
    texts.forEach(([e, a], i) => texts.slice(i + 1).forEach(([f, b]) => {
      if (a.x < b.x + b.width && b.x < a.x + a.width && a.y < b.y + b.height && b.y < a.y + a.height)
        found.push(`${named(e)} stands on ${named(f)}`);
    }));
  }
  return [...new Set(found)];
}
