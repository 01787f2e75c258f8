// The admin page: signs this browser in, and shows the page that the address names.
import { CallError, call, enrol, forgetKey, keptKey } from './api.js'
import { el, hash, say } from './dom.js'
import { pages } from './views.js'

const main = document.querySelector('#main')
const nav = document.querySelector('#pages')
const who = document.querySelector('#who')
const server = document.querySelector('.server b').textContent

/** What went wrong, in plain words, by the reason that the server gives. */
const words = {
  away: 'The server does not answer. Check that it runs, and that your tunnel or network is up, then try again.',
  signed_out: 'This browser is not signed in any more.',
  invitation_invalid: 'This link was used already, is older than ten minutes, or is not complete. Ask for a new one.',
  guesses_exceeded: 'Too many wrong links were tried. Wait ten minutes, then open a new link.',
  rate_exceeded: 'Too many requests came from your network. Wait a minute, then try again.',
  store_unavailable:
    'The database of the server does not answer. Nothing was changed, or the server does not know yet.',
  created_too_old: 'The clock of this machine is wrong. Set it, then try again.',
  created_in_future: 'The clock of this machine is wrong. Set it, then try again.',
  authority_not_served: 'The server is not reached by the name that it expects. Check --admin-origin.',
}

function wordsOf(error) {
  if (!(error instanceof CallError)) return `The page failed: ${error.message}`
  return words[error.reason] ?? `The server refused: ${error.message}.`
}

/** The link that was opened, once: it leaves the address bar and the history before anything else happens. */
function takeLink() {
  const [, link] = /^#enrol=([\w-]{1,100})$/.exec(location.hash) ?? []
  if (link !== undefined) history.replaceState(null, '', '/')
  return link
}

/** Puts a page in place. The heading gets the focus, so that readers begin there. */
function place(title, ...children) {
  document.title = `${title} · Admin · ${server}`
  main.replaceChildren(el('h1', { tabindex: '-1' }, title), ...children.flat(4).filter(Boolean))
  main.removeAttribute('aria-busy')
}

function showSignedOut(why) {
  nav.hidden = true
  who.hidden = true
  place(
    'Sign in',
    el(
      'div',
      { class: 'card narrow' },
      why !== undefined && el('p', { class: 'care', role: 'alert' }, why),
      el('p', {}, 'You sign in with a link. Somebody who can run commands on the server makes it for you:'),
      el('pre', { tabindex: '0' }, 'countersign auth-server admins add YOUR-NAME …'),
      el('p', {}, 'It works once, within ten minutes, in the browser in which you open it.'),
    ),
  )
}

function showEnrol(link) {
  const button = el('button', { type: 'button', class: 'solid', click: signIn }, 'Sign in with this browser')
  const told = el('p', { class: 'care', role: 'alert', hidden: true })
  async function signIn() {
    button.disabled = true
    try {
      const name = await enrol(link)
      say(`Signed in as ${name}.`)
      await begin()
    } catch (error) {
      told.hidden = false
      told.textContent = wordsOf(error)
      // A link that was refused stays refused.
      button.disabled = error.reason === 'invitation_invalid'
    }
  }
  place(
    'Sign in',
    el(
      'div',
      { class: 'card narrow' },
      el('p', {}, 'This browser makes a key that never leaves it, and signs with it what you do here.'),
      el('p', {}, 'Go on only on a machine that is yours, and only if you asked for this link.'),
      told,
      el('div', { class: 'buttons' }, button),
    ),
  )
}

function showNav(name) {
  const { path: here } = parts()
  const current = pages[here]?.below ?? here
  nav.hidden = false
  who.hidden = false
  nav.replaceChildren(
    el(
      'ul',
      {},
      Object.entries(pages)
        .filter(([, { label }]) => label !== undefined)
        .map(([path, { label }]) =>
          el('li', {}, el('a', { href: hash(path), 'aria-current': path === current ? 'page' : undefined }, label)),
        ),
    ),
  )
  nav.querySelector('[aria-current]')?.scrollIntoView({ block: 'nearest', inline: 'nearest' })
  if (name !== undefined)
    who.replaceChildren(el('span', {}, name), el('button', { type: 'button', click: signOut }, 'Sign out'))
}

async function signOut() {
  try {
    await call('sign-out')
  } catch (error) {
    if (error.reason !== 'signed_out') return say(wordsOf(error), 'bad')
  }
  await forgetKey()
  showSignedOut()
  say('Signed out. The key of this browser is deleted.')
}

/** The page and its members in the address. */
function parts() {
  const [path, query] = location.hash.replace(/^#\/?/, '').split('?', 2)
  return { path: path === '' ? 'overview' : path, members: Object.fromEntries(new URLSearchParams(query)) }
}

let turn = 0

/** Shows the page of the address. An answer that comes after the next click is dropped. */
async function showPage({ focus = true } = {}) {
  const mine = ++turn
  const { path, members } = parts()
  const page = pages[path]
  showNav()
  main.setAttribute('aria-busy', 'true')
  try {
    const shown =
      page === undefined
        ? { title: 'Not found', body: [el('p', {}, 'There is no such page.')] }
        : await page.show(members)
    if (mine !== turn) return
    place(shown.title, shown.body)
    if (focus) main.querySelector('h1').focus()
  } catch (error) {
    if (mine === turn) await fail(error)
  }
}

async function fail(error) {
  main.removeAttribute('aria-busy')
  if (error.reason === 'signed_out') {
    await forgetKey()
    return showSignedOut(words.signed_out)
  }
  place(
    'That did not work',
    el('p', { class: 'care', role: 'alert' }, wordsOf(error)),
    el('div', { class: 'buttons' }, el('button', { type: 'button', click: () => showPage() }, 'Try again')),
  )
}

async function begin() {
  if ((await keptKey()) === undefined) return showSignedOut()
  try {
    const { admin } = await call('overview')
    showNav(admin)
  } catch (error) {
    return fail(error)
  }
  await showPage()
}

addEventListener('hashchange', () => {
  say('')
  const link = takeLink()
  if (link !== undefined) showEnrol(link)
  else void showPage()
})
addEventListener('again', () => void showPage({ focus: false }))
addEventListener('failed', ({ detail }) => {
  if (detail.reason === 'signed_out') void fail(detail)
  else say(wordsOf(detail), 'bad')
})

const link = takeLink()
if (link === undefined) void begin()
else showEnrol(link)
