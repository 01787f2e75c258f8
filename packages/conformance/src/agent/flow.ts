import type { Trial } from '../case/trial.js'
import { type Caller, callerOf, type Identified } from '../participants/caller.js'
import { type TokenRequest, tokenError, tokenJson } from '../participants/desk.js'
import type { Reply, Visit } from '../participants/origin.js'
import { authTokenDraft, resourceTokenDraft, signToken, type TokenDraft } from '../signing/token.js'
import {
  type AgentStage,
  type Call,
  type Called,
  type CallPlace,
  call,
  challenged,
  commonControl,
  done,
} from './stage.js'

/** Changes a token before it is signed. */
export type TokenChange = (draft: TokenDraft, place: CallPlace) => TokenDraft

/** A call that needs an auth token, and what is unusual about it. */
export interface Flow extends Pick<Call, 'title' | 'target' | 'by' | 'metadata' | 'onOutput' | 'again' | 'againBy'> {
  readonly scope?: string
  /** Told of each request of the agent that says who it is. */
  readonly seen?: (visit: Visit, place: CallPlace) => void
  readonly resourceToken?: TokenChange
  /** The challenge with a resource token; default as §4 has it. */
  readonly challenge?: (resourceToken: string, place: CallPlace) => Reply
  readonly authToken?: TokenChange
  /** Answers token requests in place of a direct grant. */
  readonly token?: (request: TokenRequest, place: FlowPlace) => Reply | Promise<Reply>
  /** Answers a request with an auth token of this flow. Default: it is done. */
  readonly authorized?: (request: AuthorizedRequest) => Reply | Promise<Reply>
}

/** A request with an auth token. */
interface AuthorizedRequest {
  readonly visit: Visit
  /** Counts the requests of a flow from 0. */
  readonly round: number
  readonly place: FlowPlace
  readonly caller: Caller
}

interface AgentPlace extends CallPlace {
  /** The agent, once it has said who it is. */
  agent(): Identified | undefined
}

/** What the participants of one such call know of it. */
export interface FlowPlace extends AgentPlace {
  /** A token answer with an auth token for the agent, and with a refresh token. */
  grant(change?: TokenChange): Reply
  /** Asks for an auth token, once the agent has said who it is. */
  ask(): Reply
}

/** What became of such a call. */
export interface Flowed extends Called {
  /** The requests to the resource that showed an auth token. */
  readonly withToken: readonly Visit[]
  /** The agent, as it said who it is. */
  readonly agent: Identified | undefined
  readonly mark: string
}

/** Lets the agent call a resource that asks it who it is, and then for an auth token. */
export async function flow(trial: Trial, stage: AgentStage, o: Flow): Promise<Flowed> {
  let agent: Identified | undefined
  let mark = ''
  const withToken: Visit[] = []
  const places = new WeakMap<CallPlace, FlowPlace>()
  const placeOf = (place: CallPlace): FlowPlace => {
    const known = places.get(place) ?? flowPlace(stage, o, { ...place, agent: () => agent })
    places.set(place, known)
    return known
  }
  const called = await call(trial, stage, {
    ...o,
    async answer(visit, _, bare) {
      const place = placeOf(bare)
      mark = bare.mark
      const caller = await callerOf(visit, {
        authority: bare.authority,
        identity: stage.configuration.identity,
        keys: stage.keys,
      })
      if (caller?.token !== undefined || caller?.agent !== undefined) o.seen?.(visit, bare)
      if (caller?.token !== undefined) {
        withToken.push(visit)
        return (await o.authorized?.({ visit, round: withToken.length - 1, place, caller })) ?? done()
      }
      if (caller?.agent === undefined) return challenged('httpsig; identity=?1')
      agent = caller.agent
      return place.ask()
    },
    token: (request, bare) => (o.token === undefined ? placeOf(bare).grant() : o.token(request, placeOf(bare))),
  })
  return { ...called, withToken, agent, mark }
}

function flowPlace(stage: AgentStage, o: Flow, place: AgentPlace): FlowPlace {
  const scope = o.scope ?? 'conformance.read'
  const marked = (draft: TokenDraft): TokenDraft => ({
    ...draft,
    claims: { ...draft.claims, jti: `${place.mark}-${String(draft.claims['jti'])}` },
  })
  const { mark, resource } = place
  const flowed: FlowPlace = {
    ...place,
    ask() {
      const agent = place.agent()
      if (agent === undefined) return challenged('httpsig; identity=?1')
      const { id, delegate, jkt } = agent
      const about = { aud: stage.authServer.id, agent: id, ...(delegate === undefined ? {} : { delegate }) }
      const draft = marked(resourceTokenDraft(resource, { ...about, jkt, scope, now: stage.now() }))
      const token = signToken(o.resourceToken?.(draft, place) ?? draft)
      return o.challenge?.(token, place) ?? tokenChallenge(token, stage.authServer.id)
    },
    grant(change = o.authToken) {
      const agent = place.agent()
      if (agent === undefined) return tokenError('invalid_request')
      const { id, delegate, jwk } = agent
      const about = { aud: resource.id, agent: id, ...(delegate === undefined ? {} : { delegate }) }
      const draft = marked(
        authTokenDraft(stage.authServer, { ...about, key: { jwk }, scope, sub: 'user-1', now: stage.now() }),
      )
      return tokenGrant(change?.(draft, place) ?? draft, `refresh-${mark}`)
    },
  }
  return flowed
}

/** A token answer whose `expires_in` says what `exp` of its token says. */
function tokenGrant(draft: TokenDraft, refresh_token: string): Reply {
  const { iat, exp } = draft.claims
  return tokenJson({ auth_token: signToken(draft), expires_in: Number(exp) - Number(iat), refresh_token })
}

/** A challenge for an auth token. */
export function tokenChallenge(resourceToken: string, authServer: string): Reply {
  return challenged(tokenParameters(resourceToken, authServer))
}

/** `Agent-Auth` of such a challenge. */
export function tokenParameters(resourceToken: string, authServer: string): string {
  return `httpsig; auth-token; resource_token="${resourceToken}"; auth_server="${authServer}"`
}

/** A call that the auth server allows directly. @throws Undecided */
export function directControl(trial: Trial, stage: AgentStage): Promise<Flowed> {
  const title = 'a GET that needs an auth token'
  return commonControl(trial, stage, { title, make: one => flow(one, stage, { title }) })
}

/** A token that a stranger has issued: its own key has signed it. */
export function ofStranger({ stranger }: AgentStage): TokenChange {
  const { id, kid, key } = stranger
  return draft => ({ header: { ...draft.header, alg: key.alg, kid }, claims: { ...draft.claims, iss: id }, key })
}

/** Changes claims of a token. */
export function withClaims(claims: (place: CallPlace) => Readonly<Record<string, unknown>>): TokenChange {
  return (draft, place) => ({ ...draft, claims: { ...draft.claims, ...claims(place) } })
}
