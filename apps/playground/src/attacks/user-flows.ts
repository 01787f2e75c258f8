import { generateSigningKey } from '@countersign/httpsig'
import { invite } from '../invite.js'
import { scriptedUser } from '../story-user.js'
import { allow, ask, codeUser, enrol, form, json, redemption, resourceTokenOf, tokensOf } from './actor.js'
import type { WireExchange } from './contract.js'
import { type FlowAttack, flow, type Played, type Scene } from './flow-attack.js'
import { sign } from './signing.js'
import { event, recording } from './token-flows.js'

// Attacks on what a user has allowed.

async function raced({ participants, send }: Scene): Promise<Played> {
  const place = { participants, send }
  const [agent, thief] = [await enrol(place), await enrol(place)]
  const challenged = await send(await sign(event(participants.addresses.calendar), agent.identified))
  const waiting = await ask(agent, resourceTokenOf(challenged), place)
  const ada = codeUser('Ada Lovelace')
  await ada.user.decide(waiting.link, 'Allow')
  const draft = redemption(waiting, ada.code())
  const [right, wrong] = [await sign(draft, agent.identified), await sign(draft, thief.identified)]
  const [attacked, twin] = await Promise.all([send(wrong), send(right)])
  return { twin, attacked, note: 'Both were sent at the same moment, the thief’s first.' }
}

async function otherBrowser({ participants, send }: Scene): Promise<Played> {
  const place = { participants, send }
  const agent = await enrol(place)
  const challenged = await send(await sign(event(participants.addresses.calendar), agent.identified))
  const { link } = await ask(agent, resourceTokenOf(challenged), place)
  const [hers, others]: [WireExchange[], WireExchange[]] = [[], []]
  await scriptedUser('Ada Lovelace', recording(hers)).follow(link, ['Ada Lovelace'])
  // A page that answers with an error ends the visit.
  await scriptedUser('Grace Hopper', recording(others))
    .follow(link, ['Grace Hopper'])
    .catch(() => undefined)
  return { twin: last(hers), attacked: last(others) }
}

async function forgedDecision({ participants, send }: Scene): Promise<Played> {
  const place = { participants, send }
  const agent = await enrol(place)
  const challenged = await send(await sign(event(participants.addresses.calendar), agent.identified))
  const { link } = await ask(agent, resourceTokenOf(challenged), place)
  const [forged, real]: [WireExchange[], WireExchange[]] = [[], []]
  const fetcher: typeof fetch = async (input, init) => {
    const url = new URL(String(input))
    if (url.port === '9') return new Response('<h1>Back at the agent</h1>')
    if (init?.method !== 'POST' || url.pathname !== '/agent/consent') return fetch(input, init)
    const headers = { ...Object(init.headers), origin: 'https://attacker.example', 'sec-fetch-site': 'cross-site' }
    await recording(forged)(input, { ...init, headers })
    return recording(real)(input, init)
  }
  await scriptedUser('Ada Lovelace', fetcher).decide(link, 'Allow')
  return { twin: last(real), attacked: last(forged) }
}

const last = (seen: readonly WireExchange[]): WireExchange => {
  const exchange = seen.at(-1)
  if (exchange === undefined) throw new Error('the browser sent nothing')
  return exchange
}

async function changedApproval(scene: Scene): Promise<Played> {
  const { pay, approved, send } = await approvedPayment(scene)
  const attacked = await send(await sign(pay(400), approved))
  const twin = await send(await sign(pay(40), approved))
  return { twin, attacked, note: 'The changed payment was sent first, so that the approval was not used yet.' }
}

async function usedApproval(scene: Scene): Promise<Played> {
  const { pay, approved, send } = await approvedPayment(scene)
  const twin = await send(await sign(pay(40), approved))
  return { twin, attacked: await send(await sign(pay(40), approved)) }
}

async function approvedPayment({ participants, send }: Scene) {
  const place = { participants, send }
  const agent = await enrol(place)
  const pay = (amount: number) => json(participants.addresses.rooms, '/payments', { amount, for: 'the library' })
  const access = await allow(agent, pay(40), place)
  const approval = await allow(agent, pay(40), { ...place, signer: agent.authorized(access.authToken) })
  return { pay, send, approved: agent.authorized(approval.authToken) }
}

async function usedInvitation({ participants, send }: Scene): Promise<Played> {
  const { agentServer } = participants.addresses
  const { code } = await invite(participants, { at: agentServer, folder: 'agent-server', sub: undefined })
  const enrolment = async (): Promise<WireExchange> => {
    const key = await generateSigningKey()
    const draft = json(agentServer, '/delegate/token', { enrollment: { type: 'code', code } })
    return send(await sign(draft, { key, signatureKey: { scheme: 'hwk', jwk: key.publicJwk } }))
  }
  return { twin: await enrolment(), attacked: await enrolment() }
}

async function stolenRefresh({ participants, send }: Scene): Promise<Played> {
  const place = { participants, send }
  const { calendar, authServer } = participants.addresses
  const [agent, thief] = [await enrol(place), await enrol(place)]
  const { refreshToken = '' } = await allow(agent, event(calendar), place)
  const draft = form(authServer, { request_type: 'refresh', refresh_token: refreshToken })
  const attacked = await send(await sign(draft, thief.identified))
  const twin = await send(await sign(draft, agent.identified))
  tokensOf(twin)
  return { twin, attacked }
}

/** Attacks on consents, codes and approvals. */
export const userFlows: readonly FlowAttack[] = [
  {
    ...flow,
    name: 'race-code',
    title: 'Race for the code',
    tries: 'The code that the user’s browser brings back leaks, and another delegate redeems it at the same moment.',
    reasons: ['grant_invalid'],
    play: raced,
  },
  {
    ...flow,
    name: 'steal-refresh-token',
    title: 'Steal the refresh token',
    tries: 'Another delegate of the same agent refreshes with a refresh token that it found.',
    reasons: ['grant_invalid', 'grant_ended'],
    play: stolenRefresh,
  },
  {
    ...flow,
    name: 'steal-consent',
    title: 'Decide in another browser',
    tries: 'Another user opens the link of a page that one user has before them, to decide in their place.',
    reasons: ['link_of_another_browser'],
    play: otherBrowser,
  },
  {
    ...flow,
    name: 'forge-decision',
    title: 'Press Allow from another site',
    tries: 'A page of another site sends the form with the user’s own cookies (cross-site request forgery).',
    reasons: ['page_not_from_here'],
    play: forgedDecision,
  },
  {
    ...flow,
    name: 'change-approved',
    title: 'Change an approved call',
    tries: 'The user has approved a payment of 40 euros, and the agent sends one of 400 under this approval.',
    reasons: ['approval_needed', 'approval_of_another'],
    play: changedApproval,
  },
  {
    ...flow,
    name: 'repeat-approved',
    title: 'Make an approved call twice',
    tries: 'The agent makes the payment that the user has approved, and then, signed anew, once more.',
    reasons: ['approval_used'],
    play: usedApproval,
  },
  {
    ...flow,
    name: 'reuse-invitation',
    title: 'Enrol twice with one code',
    tries: 'A second program enrols with an enrolment code that was used, to become the same delegate.',
    reasons: ['enrolment_code_invalid'],
    play: usedInvitation,
  },
]
