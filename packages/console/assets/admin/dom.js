// Makes elements. Texts are only ever set as text: names of agents and users are written by strangers.

/** @param children elements, texts, arrays of them; undefined and false are left out */
export function el(name, attributes, ...children) {
  const element = document.createElement(name)
  for (const [key, value] of Object.entries(attributes ?? {})) {
    if (value === undefined || value === false) continue
    if (typeof value === 'function') element.addEventListener(key, value)
    else element.setAttribute(key, value === true ? '' : String(value))
  }
  element.append(...children.flat(4).filter(child => child !== undefined && child !== false && child !== null))
  return element
}

/** Controls, line ends, direction marks, and other characters that hide or reorder. */
const unseen = /[\p{Cc}\p{Cf}\p{Co}\p{Cs}\p{Cn}\p{Zl}\p{Zp}\u115f\u1160\u3164\uffa0\u2800]|\u034f|(?! )\p{Zs}/u

/**
 * A text of a stranger: isolated, so that its direction stays inside, and with all that cannot be seen spelt out, so that two names
 * that look alike do not pass for one.
 */
export function shown(text, longest = 200) {
  const characters = [...String(text)]
  const parts = []
  let plain = ''
  for (const [at, character] of characters.slice(0, longest).entries()) {
    const before = characters.slice(Math.max(0, at - 2), at).join('')
    if (!unseen.test(character) && !(/^\p{M}$/u.test(character) && /\p{M}{2}$/u.test(before))) {
      plain += character
      continue
    }
    parts.push(plain, el('span', { class: 'unseen' }, spelt(character)))
    plain = ''
  }
  const cut = characters.length > longest && el('span', { class: 'unseen' }, `… ${characters.length} characters`)
  return el('bdi', { class: 'said' }, parts, plain, cut)
}

function spelt(character) {
  return `U+${character.codePointAt(0).toString(16).toUpperCase().padStart(4, '0')}`
}

/** A date and time in the zone of the reader; the machine's form stands in its attribute. */
export function time(seconds) {
  const date = new Date(seconds * 1000)
  const iso = date.toISOString()
  const words = date.toLocaleString('en-GB', { dateStyle: 'medium', timeStyle: 'short' })
  return el('time', { datetime: iso }, words)
}

/** A link within the page. */
export function link(path, members, ...children) {
  return el('a', { href: hash(path, members) }, ...children)
}

/** The address of a page. Empty members are left out. */
export function hash(path, members = {}) {
  const given = Object.entries(members).filter(([, value]) => value !== undefined && value !== '' && value !== false)
  const query = new URLSearchParams(given.map(([name, value]) => [name, String(value)])).toString()
  return `#/${path}${query === '' ? '' : `?${query}`}`
}

/** "1 grant", "2 grants", "1000 or more grants". */
export function count(number, one, many = `${one}s`) {
  return number >= 1000 ? `1000 or more ${many}` : `${number} ${number === 1 ? one : many}`
}

/** Terms and their values; those that are undefined are left out. */
export function facts(entries) {
  return el(
    'dl',
    {},
    entries
      .filter(([, value]) => value !== undefined && value !== false)
      .map(([term, value]) => el('div', {}, el('dt', {}, term), el('dd', {}, value))),
  )
}

/** A labelled field of a form. */
export function field(name, label, { value = '', hint, ...attributes } = {}) {
  const id = `field-${name}`
  return el(
    'div',
    { class: 'field' },
    el('label', { for: id }, label),
    hint !== undefined && el('small', { id: `${id}-hint` }, hint),
    el('input', {
      id,
      name,
      value,
      autocomplete: 'off',
      autocapitalize: 'none',
      spellcheck: 'false',
      maxlength: 500,
      'aria-describedby': hint === undefined ? undefined : `${id}-hint`,
      ...attributes,
    }),
  )
}

/** The fields of a form that are not empty. */
export function filled(form) {
  return Object.fromEntries(
    [...new FormData(form)].map(([name, value]) => [name, value.trim()]).filter(([, v]) => v !== ''),
  )
}

/** A table. On small screens each row becomes a card; the roles keep it a table for screen readers. */
export function table(caption, heads, rows) {
  return el(
    'table',
    { role: 'table' },
    el('caption', { class: 'aside' }, caption),
    el(
      'thead',
      { role: 'rowgroup' },
      el(
        'tr',
        { role: 'row' },
        heads.map(head => el('th', { role: 'columnheader', scope: 'col' }, head)),
      ),
    ),
    el(
      'tbody',
      { role: 'rowgroup' },
      rows.map((cells, at) => tableRow(cells, { heads, id: `row-${++tables}-${at}` })),
    ),
  )
}

let tables = 0

/** Buttons say which row they belong to. */
function tableRow(cells, { heads, id }) {
  const row = el(
    'tr',
    { role: 'row' },
    cells.map((cell, at) =>
      el('td', { role: 'cell', 'data-head': heads[at], id: at === 0 ? id : undefined }, el('div', {}, cell ?? '–')),
    ),
  )
  for (const button of row.querySelectorAll('button')) button.setAttribute('aria-describedby', id)
  return row
}

const status = document.querySelector('#status')
let ending

/** Says what was done; screen readers read it out. */
export function say(words, kind = 'good') {
  clearTimeout(ending)
  status.className = kind
  status.replaceChildren(words)
  ending = setTimeout(() => status.replaceChildren(), 12_000)
}

const dialog = document.querySelector('#dialog')

/** Asks before something ends. Resolves with whether it was confirmed; Escape and Cancel do nothing. */
export function confirmed({ title, words, act }) {
  return new Promise(resolve => {
    const end = value => () => {
      dialog.onclose = null
      dialog.close()
      resolve(value)
    }
    dialog.replaceChildren(
      el('h2', { id: 'dialog-title' }, title),
      el('div', {}, words),
      el(
        'div',
        { class: 'buttons' },
        el('button', { type: 'button', click: end(false), autofocus: true }, 'Cancel'),
        el('button', { type: 'button', class: 'danger', click: end(true) }, act),
      ),
    )
    dialog.onclose = () => resolve(false)
    dialog.showModal()
  })
}

/** Shows something once, such as a link: it stays until it is closed. */
export function show({ title, words }) {
  return new Promise(resolve => {
    dialog.replaceChildren(
      el('h2', { id: 'dialog-title' }, title),
      el('div', {}, words),
      el('div', { class: 'buttons' }, el('button', { type: 'button', click: () => dialog.close() }, 'Close')),
    )
    dialog.onclose = () => {
      dialog.replaceChildren()
      resolve()
    }
    dialog.showModal()
  })
}
