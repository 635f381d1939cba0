// The launch page: makes a quick-create link from answers. What it asks and shows
// of a version is in content.js, which is generated from the templates.
'use strict';

const content = window.launchContent;
const byId = id => document.getElementById(id);

// Answers stay when the mode changes: most questions are the same.
const answers = {};
const touched = new Set(); // questions whose problems are shown

// element makes an element with properties and children; nothing is ever set as HTML.
function element(name, properties = {}, ...children) {
  const e = document.createElement(name);
  for (const [key, value] of Object.entries(properties)) {
    if (key.includes('-') || key === 'for' || key === 'role') e.setAttribute(key, value);
    else e[key] = value;
  }
  e.append(...children);
  return e;
}

const mode = () => content.modes.find(m => m.name === document.querySelector('[name=mode]:checked').value);
const region = () => content.regions.find(r => r.name === byId('region').value);
const parameters = m => m.form.groups.flatMap(g => g.parameters).filter(p => !p.noEcho);
const answer = p => answers[p.name] ?? p.default ?? '';

// problem is the template's sentence if CloudFormation would refuse an answer.
function problem(p) {
  const text = answer(p);
  if (p.default === undefined && text === '') return `${p.label} is needed.`;
  const parts = p.type === 'CommaDelimitedList' ? text.split(',').map(s => s.trim()) : [text];
  const fits = part => (!p.values || p.values.includes(part)) && (!p.pattern || new RegExp(p.pattern, 'u').test(part));
  const tooLong = p.maxLength && [...text].length > p.maxLength || new TextEncoder().encode(text).length > 4096;
  const number = Number(text);
  const badNumber = p.type === 'Number' && (text.trim() === '' || Number.isNaN(number) || number < (p.min ?? -Infinity) || number > (p.max ?? Infinity));
  if (parts.every(fits) && !tooLong && !badNumber) return '';
  return p.constraint || `${p.label} cannot be this.`;
}

function link(m, r) {
  const workspace = answers.WorkspaceName;
  let out = `https://${r.console}/cloudformation/home?region=${r.name}#/stacks/create/review?templateURL=${encodeURIComponent(r.files + m.template)}` +
    `&stackName=${encodeURIComponent(workspace ? `e6data-${workspace}` : 'e6data')}`;
  for (const p of parameters(m)) {
    if (answer(p) !== (p.default ?? '')) out += `&param_${p.name}=${encodeURIComponent(answer(p))}`;
  }
  return out;
}

// --- questions

function control(p) {
  const id = `p-${p.name}`;
  const shared = { id, name: p.name, 'aria-describedby': `${id}-help ${id}-problem` };
  if (p.default === undefined) shared.required = true;
  let c;
  if (p.values) {
    c = element('select', shared, ...p.values.map(v => element('option', { value: v }, v)));
  } else {
    c = element('input', { ...shared, type: 'text', autocomplete: 'off', spellcheck: false, autocapitalize: 'none' });
    if (p.type === 'Number') c.inputMode = 'numeric';
  }
  c.value = answer(p);
  c.addEventListener('input', () => { answers[p.name] = c.value; refresh(); });
  c.addEventListener('change', () => { touched.add(p.name); refresh(); });
  return element('div', { className: 'field' },
    element('label', { for: id }, p.label), element('p', { className: 'help', id: `${id}-help` }, p.description), c,
    element('p', { className: 'problem', id: `${id}-problem` }));
}

function showQuestions() {
  const m = mode();
  const needed = byId('needed');
  needed.replaceChildren(needed.firstElementChild, ...parameters(m).filter(p => p.default === undefined).map(control));
  byId('settings').replaceChildren(...m.form.groups.flatMap(g => {
    const rest = g.parameters.filter(p => p.default !== undefined && !p.noEcho);
    return rest.length ? [element('fieldset', { className: 'group' }, element('legend', {}, g.label), ...rest.map(control))] : [];
  }));
  byId('makes').replaceChildren(...m.makes.map(x => element('li', {}, `${x.count} ${x.what}${x.names ? `: ${x.names.join(', ')}` : ''}`)));
  byId('roles').replaceChildren(...m.roles.map(role => element('details', {},
    element('summary', {}, `${role.description} (${role.id}${role.optional ? ', only if an answer asks for it' : ''})`),
    element('ul', {}, ...(role.managed ?? []).map(name => element('li', {}, 'AWS’s own policy ', element('code', {}, name))),
      ...role.statements.map(s => element('li', {}, `${s.deny ? 'Denied: ' : ''}${s.sid}: `, element('code', {}, s.actions.join(', ')))))))); 
}

// --- what follows from the answers

function showProblems(m) {
  const wrong = [];
  for (const p of parameters(m)) {
    const text = problem(p);
    const c = byId(`p-${p.name}`);
    const shown = text !== '' && touched.has(p.name);
    c.setAttribute('aria-invalid', String(shown));
    byId(`p-${p.name}-problem`).textContent = shown ? text : '';
    if (text) wrong.push([p, text]);
  }
  return wrong;
}

function showCosts(m) {
  const perZone = answers.NatGateways === 'PerZone';
  let sum = 0;
  const rows = m.costs.filter(c => !(c.unless && answers[c.unless])).map(c => {
    sum += c.usd;
    return element('tr', {}, element('th', { scope: 'row' }, c.what, c.perZone && perZone ? ', in each zone' : ''),
      element('td', {}, c.how, '. ', element('a', { href: c.price, target: '_blank', rel: 'noopener noreferrer' }, 'Prices')),
      element('td', { className: 'number' }, c.usd.toFixed(2)));
  });
  const more = perZone && m.costs.some(c => c.perZone) ? ' and more for each further zone' : '';
  rows.push(element('tr', {}, element('th', { scope: 'row' }, 'Together'), element('td', {}, rows.length ? more : 'Only what is used: cents'), element('td', { className: 'number' }, sum.toFixed(2))));
  byId('costs').replaceChildren(...rows);
}

function showCommand(m, r) {
  byId('before').hidden = m.name !== 'existing-eks';
  const account = byId('account').value;
  const filled = { region: r.name, partition: r.partition, account: /^\d{12}$/.test(account) ? account : 'ACCOUNT' };
  byId('command').textContent = content.mapInstaller.replace(/\{(\w+)\}/g, (_, name) => {
    const p = parameters(m).find(q => q.name === name);
    return filled[name] ?? (p && answer(p) && !problem(p) ? answer(p) : name.replace(/([a-z])([A-Z])/g, '$1_$2').toUpperCase());
  });
}

function refresh() {
  const m = mode(), r = region();
  const wrong = showProblems(m);
  const to = byId('link');
  byId('problems').replaceChildren(...wrong.filter(([p]) => touched.has(p.name)).map(([p, text]) =>
    element('p', { className: 'problem' }, element('a', { href: `#p-${p.name}` }, p.label), `: ${text}`)));
  if (wrong.length) {
    to.removeAttribute('href');
    to.setAttribute('role', 'button');
    to.tabIndex = 0;
  } else {
    to.href = link(m, r);
    to.removeAttribute('role');
  }
  byId('copied').textContent = '';
  byId('template').href = r.files + m.template;
  byId('capability').textContent = `At the end the console asks you to acknowledge that IAM roles are made${m.capability === 'CAPABILITY_NAMED_IAM' ? ', one with a name of its own' : ''}.`;
  showCosts(m);
  showCommand(m, r);
}

// complete shows what is missing, and says whether nothing is.
function complete() {
  const m = mode();
  parameters(m).forEach(p => touched.add(p.name));
  refresh();
  const first = parameters(m).find(problem);
  if (!first) return true;
  const c = byId(`p-${first.name}`);
  if (c.closest('details')) c.closest('details').open = true;
  c.focus();
  return false;
}

function start() {
  byId('version').textContent = `Version ${content.version}.`;
  byId('region').replaceChildren(...content.regions.map(r => element('option', { value: r.name }, r.name)));
  byId('region').value = content.regions.some(r => r.name === 'us-east-1') ? 'us-east-1' : content.regions[0].name;
  byId('modes').append(...content.modes.map((m, i) => element('div', { className: 'choice' },
    element('label', {}, element('input', { type: 'radio', name: 'mode', value: m.name, checked: i === 0 }), element('span', {}, m.title)))));
  byId('modes').addEventListener('change', () => { showQuestions(); refresh(); });
  byId('region').addEventListener('change', refresh);
  byId('account').addEventListener('input', refresh);
  byId('form').addEventListener('submit', e => e.preventDefault());
  const to = byId('link');
  const stop = e => { if (!complete()) e.preventDefault(); };
  to.addEventListener('click', stop);
  to.addEventListener('keydown', e => { if (!to.href && (e.key === 'Enter' || e.key === ' ')) stop(e); });
  byId('copy').addEventListener('click', async () => {
    if (!complete()) return;
    try {
      await navigator.clipboard.writeText(to.href);
      byId('copied').textContent = 'Copied.';
    } catch {
      byId('copied').textContent = 'This browser does not let pages copy. Copy the address of the button beside.';
    }
  });
  showQuestions();
  refresh();
}

start();
