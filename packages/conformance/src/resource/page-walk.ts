import { type Trial, Undecided } from '../case/trial.js'
import { headerLines, headerValue, type WireRequest, type WireResponse } from '../wire/message.js'
import type { Upstream } from './middle.js'
import type { ResourceStage } from './stage.js'

/** What a browser sends: a GET of a URL, with its cookies. */
export function open(stage: ResourceStage, url: string, cookie?: string): WireRequest {
  const { pathname, search } = new URL(url, stage.id)
  const cookies = cookie === undefined || cookie === '' ? [] : [['cookie', cookie] as const]
  return {
    method: 'GET',
    target: `${pathname}${search}`,
    headers: [['host', stage.authority], ['accept', 'text/html'], ...cookies],
    body: Buffer.alloc(0),
  }
}

/** The page to which the user of a request is sent. @throws Undecided */
export async function sentTo(trial: Trial, caller: Upstream): Promise<string> {
  const { response } = await trial.sent('a request whose user must agree', () => caller.request())
  const header = response === undefined ? '' : (headerValue(response, 'agent-auth') ?? '')
  const url = /user_interaction="([^"]*)"/.exec(header)?.[1]
  if (url === undefined) throw new Undecided('failed', 'could not decide: the user of a request was sent nowhere')
  return url
}

/** Where the agent's users come back to. */
export const returnTo = (stage: ResourceStage): string => `${stage.agent.id}/callback`

/** A URL with more parameters. */
export function withReturn(url: string, parameters: Readonly<Record<string, string>>): string {
  const made = new URL(url)
  for (const [name, value] of Object.entries(parameters)) made.searchParams.append(name, value)
  return made.href
}

/** Where a response leads. */
export function locationOf(response: WireResponse | undefined): URL | undefined {
  const text = response === undefined ? undefined : headerValue(response, 'location')
  return text !== undefined && URL.canParse(text) ? new URL(text) : undefined
}

/** The cookies that a response sets, as the next request has them. */
export function cookiesOf(response: WireResponse | undefined): string {
  const lines = response === undefined ? [] : headerLines(response, 'set-cookie')
  return lines.map(line => line.split(';')[0] ?? '').join('; ')
}
