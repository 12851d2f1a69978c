// Answers the form of the page "What runs on my GPU?" from the verdicts in what-runs-data.js.
(() => {
  "use strict";
  const data = window.WHAT_RUNS;
  const DIMENSIONS = ["driver", "os", "python"]; // in the order of the data
  const NAMES = { driver: "NVIDIA driver", os: "", python: "Python" };
  const [VERSION, CUDA, COMMAND, SETS] = [0, 1, 2, 3];

  const normalize = (name) =>
    name.toLowerCase().replace(/nvidia|geforce|tesla|quadro|[^a-z0-9]/g, "");

  function findCard(name) {
    const wanted = normalize(name);
    const exact = data.gpus.filter(([label]) => label.toLowerCase() === name.trim().toLowerCase());
    const found = exact.length ? exact : data.gpus.filter(([label]) => normalize(label) === wanted);
    return wanted && found.length === 1 ? found[0] : null;
  }

  const allows = (build, dimension, value) =>
    !value || data.sets[build[SETS + DIMENSIONS.indexOf(dimension)]].includes(value);

  const fits = (build, question) =>
    (!question.cuda || build[CUDA] === question.cuda) &&
    DIMENSIONS.every((dimension) => allows(build, dimension, question[dimension]));

  // The errors of the limit that is next to a value, with the names of this question.
  function explain(number, question, card) {
    const [dimension, , errors] = data.reasons[number];
    const fill = (text) =>
      text.replaceAll("{gpu}", card).replaceAll("{value}", question[dimension] || "");
    return errors.map((error) => ({
      ...error,
      message: fill(error.message),
      because: error.because.map(([text, ...source]) => [fill(text), ...source]),
    }));
  }

  // The reason next to the allowed versions of the value's family, on the side of the value.
  function findLimit(limits, dimension, value, allowed) {
    const family = (name) => name.slice(0, name.lastIndexOf(" ") + 1);
    const options = data.options[dimension].filter((name) => family(name) === family(value));
    const first = options.findIndex((name) => allowed.includes(name));
    const side = first < 0 || options.indexOf(value) < first ? "below" : "above";
    const found = (limits[dimension] || []).find((number) => data.reasons[number][1] === side);
    return found === undefined ? null : found;
  }

  const bare = (message) => ({ code: "", message, because: [], run_time: [] });

  function conflicts(limits, dimension, allowed, question, card, subject) {
    const value = question[dimension];
    const number = findLimit(limits, dimension, value, allowed);
    if (number !== null) return explain(number, question, card);
    const name = `${NAMES[dimension]} ${value}`.trim();
    return [bare(`${name} and ${subject} are incompatible`)];
  }

  // The answer about one series of a framework: the builds that fit, or the errors.
  function answerSeries(question, card, framework, series) {
    const group = data.classes[card[1]];
    const entry = data.entries[group.frameworks[framework][series]];
    const errors = [];
    const drivers = data.sets[group.drivers];
    const badDriver = question.driver && !drivers.includes(question.driver);
    if (badDriver)
      errors.push(...conflicts(group.limits, "driver", drivers, question, card[0], card[0]));
    const subject = `${data.frameworks[framework].title} ${series}`;
    const builds = (entry.builds || []).filter((build) => fits(build, question));
    if (builds.length && !badDriver) return { builds };
    // Where no build runs on the card, the limits of Python and system are those on other cards.
    const known = entry.builds ? entry : findKnown(framework, series);
    const candidates = (known.builds || []).filter((b) => !question.cuda || b[CUDA] === question.cuda);
    if (entry.builds && !candidates.length)
      errors.push(bare(`${subject} has no build for CUDA ${question.cuda} that runs on ${card[0]}`));
    for (const dimension of ["python", "os", "driver"]) {
      if (dimension === "driver" && entry.no !== undefined) errors.push(...explain(entry.no, question, card[0]));
      if (dimension === "driver" && (badDriver || entry.no !== undefined)) continue;
      const allowed = data.options[dimension].filter((v) => candidates.some((b) => allows(b, dimension, v)));
      if (question[dimension] && candidates.length && !allowed.includes(question[dimension]))
        errors.push(...conflicts(known.limits, dimension, allowed, question, card[0], subject));
    }
    if (!errors.length) errors.push(bare(`no build of ${subject} fits all of these`));
    return { errors };
  }

  // The answer about a series on the first class of GPUs that it runs on.
  function findKnown(framework, series) {
    const entries = data.classes.map((each) => data.entries[each.frameworks[framework][series]]);
    return entries.find((entry) => entry.builds) || {};
  }

  function answerFramework(question, card, framework) {
    const all = data.frameworks[framework].series;
    const requested = question.series ? [question.series] : all;
    let first = null;
    for (const series of requested) {
      const found = answerSeries(question, card, framework, series);
      first = first || { ...found, series };
      if (found.builds) return { series, builds: found.builds };
    }
    const open = { ...question, series: "" };
    const instead = question.series
      ? all.map((series) => ({ series, ...answerSeries(open, card, framework, series) })).find((a) => a.builds)
      : null;
    return { ...first, instead: instead || null };
  }

  // `{gpu, framework, series, driver, python, os, cuda}`; null for a GPU that is unknown.
  window.answerWhatRuns = (question) => {
    const card = findCard(question.gpu || "");
    if (!card) return null;
    const names = question.framework ? [question.framework] : Object.keys(data.frameworks);
    return { card, answers: names.map((name) => ({ framework: name, ...answerFramework(question, card, name) })) };
  };

  const form = document.getElementById("what-runs");
  const output = document.getElementById("wr-answer");
  const field = (name) => form.elements.namedItem(name);

  function node(tag, text, attributes = {}) {
    const made = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
    if (text) made.textContent = text;
    return made;
  }

  function fillSelect(name, values, first) {
    const select = field(name);
    const before = select.value;
    select.replaceChildren(node("option", first, { value: "" }));
    for (const value of values) {
      const [key, label] = Array.isArray(value) ? value : [value, value];
      select.append(node("option", label, { value: key }));
    }
    if ([...select.options].some((option) => option.value === before)) select.value = before;
  }

  function fillReleases() {
    const framework = field("framework").value;
    fillSelect("series", framework ? data.frameworks[framework].series : [], "newest that runs");
    const builds = framework
      ? data.classes.flatMap((c) => Object.values(c.frameworks[framework]).flatMap((n) => data.entries[n].builds || []))
      : [];
    const versions = [...new Set(builds.map((build) => build[CUDA]).filter(Boolean))];
    versions.sort((a, b) => Number(b) - Number(a));
    fillSelect("cuda", versions, "any");
  }

  function showErrors(errors) {
    const list = node("div", "");
    for (const error of errors) {
      for (const [text, url, read] of error.because) {
        const line = node("p", `because ${text} `);
        if (error.code) line.append(node("a", error.code, { href: `diagnostics/${error.code}.html` }), " ");
        if (url) line.append("(", node("a", "source", { href: url }), `, read ${read})`);
        list.append(line);
      }
      for (const text of error.run_time) list.append(node("p", `at run time: ${text}`));
    }
    return list;
  }

  const range = (options, set) => (set.length > 1 ? `${set[0]} to ${set[set.length - 1]}` : set[0] || "none");

  function showBuilds(builds, label) {
    const scroll = node("div", "", { class: "wr-scroll", tabindex: "0", role: "region", "aria-label": label });
    const table = node("table", "", { class: "wr-table" });
    const head = node("tr", "");
    for (const name of ["release", "CUDA", "driver", "Python", "command"]) head.append(node("th", name, { scope: "col" }));
    table.append(head);
    for (const build of builds) {
      const row = node("tr", "");
      row.append(node("td", build[VERSION]), node("td", build[CUDA] || "–"));
      row.append(node("td", range(data.options.driver, data.sets[build[SETS]])));
      row.append(node("td", range(data.options.python, data.sets[build[SETS + 2]])));
      const command = node("td", "");
      command.append(node("code", build[COMMAND]));
      row.append(command);
      table.append(row);
    }
    scroll.append(table);
    return scroll;
  }

  function showAnswer(answer, card) {
    const box = node("section", "");
    const title = data.frameworks[answer.framework].title;
    if (answer.builds) {
      box.className = "wr-yes";
      box.append(node("h2", `yes: ${title} ${answer.builds[0][VERSION]} runs on ${card}`));
      const command = node("p", "");
      command.append(node("code", answer.builds[0][COMMAND]));
      box.append(command, showBuilds(answer.builds, `Builds of ${title}`));
      return box;
    }
    box.className = "wr-no";
    const message = answer.errors.length ? answer.errors[0].message : `${title} cannot run`;
    box.append(node("h2", `no: ${message}`), showErrors(answer.errors));
    if (answer.instead) {
      const line = node("p", "newest that runs: ");
      line.append(node("code", answer.instead.builds[0][COMMAND]));
      box.append(line);
    }
    return box;
  }

  function commandOf(question) {
    const words = [`rigspec can "${question.gpu}"`];
    if (question.framework) words.push(question.framework + (question.series ? `==${question.series}` : ""));
    for (const name of ["driver", "python", "os"])
      if (question[name]) words.push(`--${name} ${name === "os" ? `"${question[name]}"` : question[name]}`);
    return words.join(" ");
  }

  function update() {
    const names = ["gpu", "framework", "series", "cuda", "driver", "python", "os"];
    const question = Object.fromEntries(names.map((name) => [name, field(name).value.trim()]));
    output.replaceChildren();
    if (!question.gpu) return;
    const found = window.answerWhatRuns(question);
    if (!found) {
      const near = data.gpus.filter(([label]) => normalize(label).includes(normalize(question.gpu))).slice(0, 6);
      const text = near.length ? `Which one: ${near.map(([label]) => label).join(", ")}?` : "The matrix does not know this GPU.";
      output.append(node("p", text));
      return;
    }
    const line = node("p", "");
    line.append(node("a", found.card[0], { href: `matrix/gpu/${found.card[2]}.html` }), ": facts and sources. ");
    line.append("The same in a terminal: ", node("code", commandOf(question)));
    output.append(...found.answers.map((answer) => showAnswer(answer, found.card[0])), line);
  }

  const list = document.getElementById("wr-gpus");
  for (const [label] of data.gpus) list.append(node("option", "", { value: label }));
  const titles = Object.entries(data.frameworks).map(([name, { title }]) => [name, title]);
  fillSelect("framework", titles, "all");
  fillSelect("driver", [...data.options.driver].reverse(), "any");
  fillSelect("python", [...data.options.python].reverse(), "any");
  fillSelect("os", data.options.os, "any");
  fillReleases();
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("input", (event) => {
    if (event.target.name === "framework") fillReleases();
    update();
  });
  update();
})();
