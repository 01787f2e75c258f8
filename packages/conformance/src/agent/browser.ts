import { tokenJson } from '../participants/desk.js'
import type { Flow, FlowPlace } from './flow.js'
import { type AgentStage, challenged } from './stage.js'

/** What the user's browser finds in a link: where it leads back to, and the `state` of the agent. */
export interface Link {
  readonly url: URL
  readonly back: string
  readonly state: string
}

/** Acts as the user's browser at each link that the agent prints, once for each that begins with this URL. */
export function onLinks(beginning: () => string, act: (url: URL) => Promise<void>): (output: string) => void {
  let opened = 0
  return output => {
    for (const url of linksIn(output, beginning()).slice(opened)) {
      opened += 1
      // Whatever goes wrong in the browser shows in what the agent makes of it.
      act(url).catch(() => undefined)
    }
  }
}

/** The links in a text that begin so and are there whole. */
function linksIn(output: string, beginning: string): URL[] {
  const found: URL[] = []
  if (beginning === '') return found
  for (let at = output.indexOf(beginning); at >= 0; at = output.indexOf(beginning, at + 1)) {
    const [word = ''] = /^[!-~]*/.exec(output.slice(at, at + 8192)) ?? []
    const text = word.replace(/["'<>`)\],.;]+$/, '')
    // The text may go on in the next chunk, where nothing stands behind it.
    if (output.length > at + word.length && URL.canParse(text)) found.push(new URL(text))
  }
  return found
}

/** Opens a URL as a browser does, and looks at nothing. */
export async function visit(url: URL): Promise<void> {
  const answer = await fetch(url, { redirect: 'manual', signal: AbortSignal.timeout(5000) }).catch(() => undefined)
  await answer?.body?.cancel()
}

/** A URL with these parameters added; one that is undefined is left out. */
export function withParameters(base: string, parameters: Readonly<Record<string, string | undefined>>): URL {
  const url = new URL(base)
  for (const [name, value] of Object.entries(parameters)) if (value !== undefined) url.searchParams.append(name, value)
  return url
}

interface Consent {
  readonly title: string
  /** The browser, at the page of the auth server. */
  readonly act: (link: Link, place: FlowPlace) => Promise<void>
  /** Told of each token request. */
  readonly onForm?: (form: Readonly<Record<string, string>>) => void
}

/** A flow in which a user must agree. */
export function consentFlow(stage: AgentStage, o: Consent): Flow {
  let place: FlowPlace | undefined
  const page = `${stage.authServer.id}/agent/auth?`
  return {
    title: o.title,
    by: 'interactive',
    token({ form }, here) {
      o.onForm?.(form)
      place = here
      if (form['request_type'] === 'code') return here.grant()
      if (form['redirect_uri'] === undefined) return challenged('', { error: 'invalid_request', status: 400 })
      return tokenJson({ request_token: `request-${here.mark}`, expires_in: 600 })
    },
    onOutput: onLinks(
      () => page,
      async url => {
        const [back, state] = ['redirect_uri', 'state'].map(name => url.searchParams.get(name) ?? '')
        if (place !== undefined) await o.act({ url, back: back ?? '', state: state ?? '' }, place)
      },
    ),
  }
}

/** The right answer of the user's browser. */
export function agree(stage: AgentStage, { back, state }: Link, { mark }: FlowPlace): Promise<void> {
  return visit(withParameters(back, { code: `code-${mark}`, state, iss: stage.authServer.id }))
}
