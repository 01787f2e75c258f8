import { isObject, type JsonObject } from '../shared/json.js'
import type { PeerAnswer } from '../shared/refusal.js'
import { agentsIn } from './chain.js'
import type { Condition } from './conditions.js'
import { button, escaped, formHtml, hostOf, pageAnswer } from './html.js'
import { type Asked, type Browser, type Grant, graveIn, type OpenRequest, type User } from './state.js'

/** Asks who the user is. */
export function signInPage({ formSecret }: Browser, users: readonly User[], to: string): PeerAnswer {
  const names = users.map(({ name }) => button('subject', name, name)).join('')
  return pageAnswer('Who are you?', formHtml('/sign-in', { form: formSecret, to }, names))
}

/** Asks a user who is signed in to show that again. */
export function verifyPage({ formSecret }: Browser, to: string): PeerAnswer {
  const text = '<p>What you allow is far-reaching. Please verify yourself again.</p>'
  return pageAnswer(
    'Is it still you?',
    text + formHtml('/verify', { form: formSecret, to }, button('again', '1', 'Yes')),
  )
}

/** Asks for access. @see protocol §6.3 */
export function consentPage(
  { formSecret }: Browser,
  o: { readonly request: OpenRequest; readonly asked: Asked; readonly agentMetadata: JsonObject },
): PeerAnswer {
  const { request, asked } = o
  const { caller } = request
  const title = `${hostOf(caller.agent)} asks for access to ${hostOf(asked.resource)}`
  const parts = [
    claimedHtml(o.agentMetadata),
    delegateHtml(request),
    purposeHtml(asked),
    purposesHtml(asked),
    chainHtml(asked),
    conditionsHtml([...(asked.upstream?.constraints ?? []), ...caller.delegation]),
    deviceHtml(request),
    '<p>Access lasts until you take it back in your account.</p>',
    formHtml(
      '/consent',
      { form: formSecret, request: request.token },
      `<ul>${asked.scope.map(name => scopeHtml(name, asked)).join('')}</ul>${button('decision', 'allow', 'Allow')}${button('decision', 'refuse', 'Refuse')}`,
    ),
  ]
  return pageAnswer(title, parts.join(''))
}

/** Asks whether one call may be made. @see protocol §9.4 */
export function approvalPage(
  { formSecret }: Browser,
  o: { readonly request: OpenRequest; readonly asked: Asked },
): PeerAnswer {
  const { request, asked } = o
  const { name = '', display = [] } = asked.operation ?? {}
  const described = operationIn(asked.metadata, name).description
  const shown = display.map((text, at) => (at % 2 === 0 ? escaped(text) : `<q class="value">${escaped(text)}</q>`))
  const parts = [
    `<p>${escaped(described)}</p>`,
    `<p class="display">${shown.join('')}</p>`,
    `<p>The values are those of ${escaped(hostOf(request.caller.agent))}.</p>`,
    delegateHtml(request),
    purposeHtml(asked),
    conditionsHtml(request.caller.delegation),
    deviceHtml(request),
    formHtml(
      '/consent',
      { form: formSecret, request: request.token },
      button('decision', 'approve', 'Approve once') +
        button('decision', 'refuse', 'No') +
        button('decision', 'stop', 'No, and stop asking'),
    ),
  ]
  return pageAnswer(`${hostOf(request.caller.agent)} asks to call ${hostOf(asked.resource)}`, parts.join(''))
}

/** Asks whether two accounts are one user's. @see protocol §7 */
export function connectPage(
  { formSecret, user }: Browser,
  o: { request: string; iss: string; sub: string },
): PeerAnswer {
  const text = `<p>You are ${escaped(user?.name ?? '')} here, and ${escaped(o.sub)} at ${escaped(hostOf(o.iss))}.</p>`
  const buttons = button('decision', 'connect', 'Connect') + button('decision', 'refuse', 'Refuse')
  return pageAnswer(
    'Connect your accounts?',
    text + formHtml('/connect', { form: formSecret, request: o.request }, buttons),
  )
}

/** Asks for the code of a device. */
export function devicePage({ formSecret }: Browser, said = ''): PeerAnswer {
  const field = `<label>Code <input name="user_code" type="text"></label>${button('go', '1', 'Continue')}`
  const text = `<p>${escaped(said)} Type in a code of your own device only.</p>`
  return pageAnswer(
    'Connect a device',
    text + formHtml('/device', { form: formSecret }, field),
    said === '' ? 200 : 400,
  )
}

/** What users change about themselves, and the questions that wait for them. */
export function accountPage(
  { formSecret }: Browser,
  user: User,
  o: {
    readonly questions: readonly OpenRequest[]
    /** What is granted, and what its resource says now. */
    readonly held: ReadonlyArray<{ readonly grant: Grant; readonly now: Asked }>
    readonly approved: readonly Grant[]
  },
): PeerAnswer {
  const inbox = user.hasInbox
    ? button('inbox', 'off', 'Turn the inbox off')
    : button('inbox', 'on', 'Turn the inbox on')
  const links = o.questions.map(({ token, caller, asked }) => {
    const text = `${hostOf(caller.agent)} asks to call ${hostOf(asked.resource)}`
    return `<p>${escaped(text)}: <a href="/question?request=${token}">Answer</a></p>`
  })
  const given = o.held.map(({ grant: { name, agent, asked, scope }, now }) => {
    const text = `${hostOf(agent)} has access to ${hostOf(asked.resource)}`
    const list = `<ul>${scope.map(one => heldHtml(one, asked, now)).join('')}</ul>`
    const single = scope.length === 1 ? [] : scope.filter(one => one !== 'openid')
    const forms = single.map(one => takeBackHtml(formSecret, { end: name, scope: one }, `Take back ${one}`))
    return [`<p>${escaped(text)}</p>`, list, takeBackHtml(formSecret, { end: name }, 'Take it back'), ...forms].join('')
  })
  const calls = o.approved.map(({ asked: { operation } }) => {
    return `<p>You approved: <span>${escaped((operation?.display ?? [operation?.name ?? '']).join(''))}</span></p>`
  })
  const parts = [formHtml('/account', { form: formSecret }, inbox), ...links, ...given, ...calls]
  return pageAnswer('Your account', parts.join(''))
}

function claimedHtml(metadata: JsonObject): string {
  const { name, logo_uri } = metadata
  const logo = typeof logo_uri === 'string' ? `<p>Claimed logo, not verified: ${escaped(logo_uri)}</p>` : ''
  return (typeof name === 'string' ? `<p>It calls itself “${escaped(name)}”, which is not verified.</p>` : '') + logo
}

function delegateHtml({ caller: { delegate } }: OpenRequest): string {
  return delegate === undefined ? '' : `<p>Its delegate ${escaped(delegate)} asks.</p>`
}

function purposeHtml({ purpose }: Asked): string {
  return purpose === undefined ? '' : `<blockquote>${escaped(purpose)}</blockquote>`
}

function purposesHtml({ purposes, metadata }: Asked): string {
  const said = Object(metadata['purposes']) as JsonObject
  return purposes.map(word => `<p>For: ${escaped(String(said[word] ?? word))}</p>`).join('')
}

function chainHtml({ upstream }: Asked): string {
  if (upstream === undefined) return ''
  return `<p>It acts for ${agentsIn(upstream.act)
    .map(agent => escaped(hostOf(agent)))
    .join(', for ')}.</p>`
}

function conditionsHtml(list: readonly Condition[]): string {
  const sentence = (one: Condition): string =>
    Object.entries(one)
      .map(([name, value]) => `${name} ${JSON.stringify(value).replace(/["[\]]/g, '')}`)
      .join(', ')
  return list.map(one => `<p>Under this condition: ${escaped(sentence(one))}.</p>`).join('')
}

function deviceHtml({ kind, asked, userCode }: OpenRequest): string {
  if (kind !== 'device') return ''
  const time = new Date(asked.at * 1000).toISOString()
  return `<p>The code ${escaped(userCode ?? '')} was asked for from ${escaped(asked.address)} at ${time}. It must be of your own device.</p>`
}

function scopeHtml(name: string, { metadata }: Asked): string {
  const said = Object(metadata['scope_descriptions']) as JsonObject
  const words = escaped(String(said[name] ?? name))
  if (name === 'openid') return `<li>Who you are</li>`
  const isGrave = graveIn(metadata).includes(name)
  const mark = isGrave ? ' <strong>Far-reaching</strong>' : ''
  const checked = isGrave ? '' : ' checked'
  return `<li><label><input type="checkbox" name="scope:${escaped(name)}" value="1"${checked}>${words}</label>${mark}</li>`
}

function takeBackHtml(formSecret: string, fields: Readonly<Record<string, string>>, words: string): string {
  return formHtml('/account', { form: formSecret, ...fields }, button('take', 'back', words))
}

/** A scope in the words of the yes and, where they are others by now, in those of today. */
function heldHtml(name: string, { metadata }: Asked, now: Asked): string {
  const wordsIn = (said: Asked['metadata']): string => String(Object(said['scope_descriptions'])[name] ?? name)
  const [then, today] = [wordsIn(metadata), wordsIn(now.metadata)]
  const others = then === today ? '' : ` The resource says now: ${escaped(today)}`
  const isGrave = graveIn(now.metadata).includes(name) && !graveIn(metadata).includes(name)
  return `<li>${escaped(then)}${others}${isGrave ? ' It is far-reaching by now.' : ''}</li>`
}

/** What a resource says of an operation. */
export function operationIn(
  metadata: JsonObject,
  name: string,
): { readonly description: string; readonly isGrave: boolean } {
  const said = (Object(metadata['operations']) as JsonObject)[name]
  if (!isObject(said)) return { description: String(said ?? name), isGrave: false }
  return { description: String(said['description'] ?? name), isGrave: said['grave'] === true }
}
