import type { PeerAnswer } from '../shared/refusal.js'
import { isOpenQuestion } from './approval.js'
import type { Visit } from './browser.js'
import type { Context } from './context.js'
import { asPublished } from './documents-of.js'
import { endGrant, narrowGrant } from './grants.js'
import { errorPage, seeOther } from './html.js'
import { accountPage, devicePage, signInPage } from './pages.js'
import type { Grant, User } from './state.js'

/** Where a browser goes once its user is known: to a page of its own, or on with a request. */
function next({ form }: Visit): PeerAnswer {
  const to = form.get('to') ?? ''
  if (to === 'account' || to === 'device') return seeOther(`/${to}`)
  return seeOther(`/consent?${new URLSearchParams({ request: to })}`)
}

/** A user signs in. */
export function signIn(context: Context, visit: Visit): PeerAnswer {
  const user = context.state.users.find(({ name }) => name === visit.form.get('subject'))
  if (user === undefined) return errorPage(400, 'There is no such user.')
  visit.browser.user = user
  visit.browser.verifiedAt = context.now()
  return next(visit)
}

/** A user who is signed in shows that again. */
export function verifyAgain(context: Context, visit: Visit): PeerAnswer {
  if (visit.browser.user === undefined) return errorPage(400, 'Nobody is signed in.')
  visit.browser.verifiedAt = context.now()
  return next(visit)
}

/** What a user has allowed, and nobody has ended. */
function grantsOf({ state }: Context, user: User): readonly Grant[] {
  return [...state.grants].filter(({ sub, isEnded }) => sub === user.sub && !isEnded)
}

/** The account of a user, and its inbox. */
export async function account(context: Context, { browser, form }: Visit): Promise<PeerAnswer> {
  const { state, now } = context
  const { user } = browser
  if (user === undefined) return signInPage(browser, state.users, 'account')
  const inbox = form.get('inbox')
  if (inbox !== null) user.hasInbox = inbox === 'on'
  const waiting = [...state.requests.values()].filter(
    request => request.kind === 'inbox' && isOpenQuestion(request, user, now()),
  )
  const own = grantsOf(context, user)
  const ended = own.find(({ name }) => name === form.get('end'))
  const scope = form.get('scope')
  if (ended !== undefined && scope !== null) narrowGrant(context, ended, scope)
  else if (ended !== undefined) endGrant(context, ended)
  const grants = grantsOf(context, user).filter(one => one.asked.operation === undefined)
  const held = await Promise.all(grants.map(async grant => ({ grant, now: await asPublished(context, grant.asked) })))
  const approved = [...state.grants].filter(one => one.sub === user.sub && one.asked.operation !== undefined)
  return accountPage(browser, user, { questions: waiting, held, approved })
}

/** A user opens a question of the inbox. */
export function openQuestion(context: Context, { browser, query }: Visit): PeerAnswer {
  const request = context.state.requests.get(query.get('request') ?? '')
  const { user } = browser
  if (request === undefined || user === undefined || request.kind !== 'inbox')
    return errorPage(400, 'There is no such question.')
  if (!isOpenQuestion(request, user, context.now())) return errorPage(400, 'There is no such question.')
  browser.opened.add(request.token)
  return seeOther(`/consent?request=${request.token}`)
}

/** Seconds for which nobody may type in more codes after five that were wrong. */
const wait = 600

/** The page on which users type in codes of devices. @see protocol §6.3 */
export function device(context: Context, { browser, form }: Visit): PeerAnswer {
  const { state, now } = context
  const { user } = browser
  if (user === undefined) return signInPage(browser, state.users, 'device')
  const typed = form.get('user_code')
  if (typed === null) return devicePage(browser)
  for (const one of [browser, user]) one.misses = one.misses.filter(at => at > now() - wait)
  if (browser.misses.length >= 5 || user.misses.length >= 5)
    return devicePage(browser, 'Too many codes were wrong. Wait.')
  // It counts as a miss before it is looked up, so that many at once are counted.
  for (const one of [browser, user]) one.misses.push(now())
  const letters = typed.toUpperCase().replace(/[^A-Z]/g, '')
  const found = [...state.requests.values()].find(
    ({ userCode, decision, ends }) => userCode === letters && decision === undefined && ends > now(),
  )
  if (found === undefined) return devicePage(browser, 'This is no code.')
  for (const one of [browser, user]) one.misses.pop()
  browser.opened.add(found.token)
  return seeOther(`/consent?request=${found.token}`)
}
