import { createAgent, delegate, explain } from '@countersign/agent'
import { invite } from '../invite.js'
import { allow, enrol, form, json, resourceTokenOf, tokensOf } from './actor.js'
import { claimsOf } from './agent-ring.js'
import { startAttacker } from './attacker-server.js'
import type { WireExchange } from './contract.js'
import { type FlowAttack, flow, type Played, type Scene } from './flow-attack.js'
import { type Draft, sign } from './signing.js'

// Attacks that carry a token to where it does not belong.

const get = (to: string, target: string): Draft => ({ method: 'GET', to, target, headers: [], body: '' })

/** An event that a delegate may add with the consent of a user. */
export function event(calendar: string): Draft {
  return json(calendar, '/events?calendar=home', { summary: 'Tea', start: '2026-12-10', end: '2026-12-11' })
}

const asked = (authServer: string, resourceToken: string): Draft =>
  form(authServer, {
    request_type: 'auth',
    resource_token: resourceToken,
    redirect_uri: 'http://127.0.0.1:9/back',
    state: 'of-this-session',
  })

async function swapped({ participants, send }: Scene): Promise<Played> {
  const { calendar, webApp } = participants.addresses
  const place = { participants, send }
  const [agent, thief] = [await enrol(place), await enrol(place, { id: webApp, folder: 'web-app' })]
  const token = resourceTokenOf(await send(await sign(event(calendar), agent.identified)))
  const draft = asked(token.authServer, token.resourceToken)
  const twin = await send(await sign(draft, agent.identified))
  return { twin, attacked: await send(await sign(draft, thief.identified)) }
}

async function elsewhere({ participants, send }: Scene): Promise<Played> {
  const { rooms, authServer } = participants.addresses
  const agent = await enrol({ participants, send })
  const token = resourceTokenOf(await send(await sign(get(rooms, '/rooms'), agent.identified)))
  const twin = await send(await sign(asked(token.authServer, token.resourceToken), agent.identified))
  return { twin, attacked: await send(await sign(asked(authServer, token.resourceToken), agent.identified)) }
}

async function otherAuthServer({ participants, send }: Scene): Promise<Played> {
  const { rooms, calendar } = participants.addresses
  const place = { participants, send }
  const agent = await enrol(place)
  const signer = agent.authorized((await allow(agent, get(rooms, '/rooms'), place)).authToken)
  const twin = await send(await sign(get(rooms, '/rooms'), signer))
  return { twin, attacked: await send(await sign(get(calendar, '/events'), signer)) }
}

async function otherAudience({ participants, send }: Scene): Promise<Played> {
  const { calendar, webApp } = participants.addresses
  const agent = await enrol({ participants, send })
  const token = resourceTokenOf(await send(await sign(get(calendar, '/events'), agent.identified)))
  const draft = form(token.authServer, { request_type: 'auth', resource_token: token.resourceToken })
  const { authToken } = tokensOf(await send(await sign(draft, agent.identified)))
  const signer = agent.authorized(authToken)
  const twin = await send(await sign(get(calendar, '/events'), signer))
  return { twin, attacked: await send(await sign(get(webApp, '/api/me'), signer)) }
}

/** An agent of the SDK, called first by the calendar to its own auth server, then by the attacker to theirs. */
async function lured({ participants, thief }: Scene): Promise<Played> {
  const { calendar, agentServer, authServer } = participants.addresses
  const attacker = await startAttacker(thief)
  const { code } = await invite(participants, { at: agentServer, folder: 'agent-server', sub: undefined })
  const seen: WireExchange[] = []
  const agent = createAgent({
    identity: delegate({ agentServer, enroll: { type: 'code', code } }),
    acceptAuthServer: [authServer],
    identifyTo: [calendar, attacker.id],
    development: true,
    fetch: recording(seen),
  })
  const of = (id: string): WireExchange | undefined => seen.filter(({ request }) => request.to === id).at(-1)
  try {
    await agent.fetch(`${calendar}/events`)
    const refused = await agent.fetch(`${attacker.id}/events`)
    const [twin, attacked] = [of(calendar), of(attacker.id)]
    if (twin === undefined || attacked === undefined) throw new Error('the agent called neither of the two')
    const { outcome, reason = '' } = explain(refused)
    const went = seen.some(({ request }) => request.to === attacker.id && request.target === '/agent/token')
    const note = 'The agent got the challenge, and asked the auth server that it names for nothing.'
    if (outcome !== 'gave_up' || went) return { twin, attacked }
    const description = reason
    return {
      twin,
      attacked,
      note,
      refusedBy: { by: 'Agent', reason: 'not_allowed', description, clause: 'agent.checks.auth-server' },
    }
  } finally {
    await attacker.close()
  }
}

/** `fetch` that keeps what it sent and got. */
export function recording(seen: WireExchange[]): typeof fetch {
  return async (input, init) => {
    const request = new Request(input, init)
    const { origin, pathname, search } = new URL(request.url)
    const body = await request.clone().text()
    const response = await fetch(request, init?.redirect === undefined ? {} : { redirect: init.redirect })
    // bound: one call
    seen.push({
      request: { method: request.method, to: origin, target: pathname + search, headers: [...request.headers], body },
      response: {
        status: response.status,
        headers: [...response.headers],
        body: await response.clone().text(),
      },
    })
    return response
  }
}

async function ended({ participants, send }: Scene): Promise<Played> {
  const { calendar, authServer } = participants.addresses
  const place = { participants, send }
  const agent = await enrol(place)
  const { authToken, refreshToken = '' } = await allow(agent, event(calendar), place)
  const signer = agent.authorized(authToken)
  const twin = await send(await sign(event(calendar), signer))
  const { revocation_endpoint: endpoint } = JSON.parse(
    (await send(get(authServer, '/.well-known/aauth-issuer'))).response.body,
  ) as { readonly revocation_endpoint: string }
  const draft = form(authServer, { token: refreshToken })
  await send(await sign({ ...draft, target: new URL(endpoint).pathname }, agent.identified))
  const end = Number(claimsOf(authToken)['exp']) * 1000
  let attacked = await send(await sign(event(calendar), signer))
  // The auth server tells the calendar at once, which takes a moment.
  while (attacked.response.status < 400 && Date.now() < end - 500) {
    await new Promise(resolve => setTimeout(resolve, 100))
    attacked = await send(await sign(event(calendar), signer))
  }
  return { twin, attacked, note: 'The token itself had not ended: the auth server has told the calendar.' }
}

/** Attacks with a token that is right, at the wrong place. */
export const tokenFlows: readonly FlowAttack[] = [
  {
    ...flow,
    name: 'swap-resource-token',
    title: 'Swap the resource token',
    tries: 'Another agent shows the resource token that was made for this one, to be asked for in its place.',
    reasons: ['token_caller_mismatched'],
    play: swapped,
  },
  {
    ...flow,
    name: 'resource-token-elsewhere',
    title: 'Take the resource token elsewhere',
    tries: 'The agent takes the resource token of rooms to the auth server of the calendar.',
    reasons: ['token_audience_wrong', 'token_issuer_wrong'],
    play: elsewhere,
  },
  {
    ...flow,
    name: 'other-auth-server',
    title: 'Use another auth server',
    tries: 'The agent gets an auth token from the auth server of rooms, and shows it to the calendar.',
    reasons: ['issuer_untrusted'],
    play: otherAuthServer,
  },
  {
    ...flow,
    name: 'other-audience',
    title: 'Use it at another API',
    tries: 'The agent shows its auth token for the calendar to the web app, which trusts the same auth server.',
    reasons: ['token_audience_wrong'],
    play: otherAudience,
  },
  {
    ...flow,
    name: 'lure-agent',
    title: 'Lure the agent to another auth server',
    tries: 'An API of the attacker challenges the agent, and names an auth server of the attacker.',
    reasons: ['not_allowed'],
    play: lured,
  },
  {
    ...flow,
    name: 'ended-grant',
    title: 'Go on after access was given back',
    tries: 'The access is given back, and a thief with the key goes on with the token while it lives.',
    reasons: ['grant_ended'],
    play: ended,
  },
]
