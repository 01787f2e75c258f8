// What several pages have in common: paging, and acts that are confirmed.
import { call } from './api.js'
import { confirmed, el, filled, hash, link, say, shown } from './dom.js'

/** Entries of a page. */
export const perPage = 50

/** A form whose fields become members of the address. */
export function filterForm(path, { label, act = 'Search' }, ...fields) {
  const submit = event => {
    event.preventDefault()
    const to = hash(path, filled(event.currentTarget))
    if (location.hash === to) dispatchEvent(new Event('again'))
    else location.hash = to
  }
  return el(
    'form',
    { class: 'card filter', role: 'search', 'aria-label': label, submit },
    fields,
    el(
      'div',
      { class: 'buttons' },
      el('button', { class: 'solid' }, act),
      el('a', { href: hash(path), class: 'button' }, 'Clear'),
    ),
  )
}

/** Links to the first and the next page of a list. */
export function paging(path, members, next) {
  const { after, ...filter } = members
  const links = [
    after !== undefined && el('a', { href: hash(path, filter), class: 'button' }, 'First page'),
    next !== undefined && el('a', { href: hash(path, { ...filter, after: next }), class: 'button' }, 'Next page'),
  ]
  return links.some(Boolean) ? el('nav', { class: 'buttons', 'aria-label': 'Pages of the list' }, links) : undefined
}

/** An empty list, in words. */
export function nothing(words) {
  return el('p', { class: 'nothing' }, words)
}

/** A button that does something and then shows the page again. */
export function actButton(words, { danger = false, ask, path, members, done, after = () => {} }) {
  const act = async event => {
    const button = event.currentTarget
    button.disabled = true
    try {
      if (ask !== undefined && !(await confirmed(await ask()))) return
      const result = await call(path, members)
      say(done(result))
      await after(result)
      dispatchEvent(new Event('again'))
    } catch (error) {
      dispatchEvent(new CustomEvent('failed', { detail: error }))
    } finally {
      button.disabled = false
      if (button.isConnected) button.focus()
    }
  }
  return el('button', { type: 'button', class: danger ? 'danger' : undefined, click: act }, words)
}

/** A state in colour, and in words. */
export const mark = (words, kind) => el('span', { class: `mark ${kind}` }, words)

/** An agent, with its delegate. */
export function agentCell({ agent, delegate }) {
  return [
    link('agent', { agent }, shown(agent)),
    delegate !== undefined && el('small', {}, 'delegate ', shown(delegate)),
  ]
}
