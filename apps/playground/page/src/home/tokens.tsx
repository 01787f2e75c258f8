import type { JSX } from 'preact'
import type { ShownMessage } from '../../../src/explorer/contract.js'
import { Link } from '../router.js'
import type { State } from '../store.js'

const tokens = [
  {
    name: 'agent token',
    typ: 'agent+jwt',
    signs: 'the agent server',
    holds: 'a delegate of the agent',
    checks: 'resources and auth servers',
    says: '“This key is one of my delegates.”',
  },
  {
    name: 'resource token',
    typ: 'resource+jwt',
    signs: 'the API',
    holds: 'the agent, on its way to the auth server',
    checks: 'the auth server',
    says: '“This agent asked me for this, under this key.”',
  },
  {
    name: 'auth token',
    typ: 'auth+jwt',
    signs: 'the auth server',
    holds: 'the agent',
    checks: 'the API',
    says: '“This key may do this there, for this user.”',
  },
] as const

interface TokensProps {
  readonly shown: ShownMessage | undefined
  readonly state: State
}

/** The three tokens: who signs, holds and checks each. None opens anything without a signature of the key that it names. */
export function Tokens({ shown, state }: TokensProps): JSX.Element {
  const seen = new Set(shown === undefined ? [] : typesIn(shown))
  return (
    <section aria-labelledby="tokens">
      <h2 id="tokens">Three tokens, none of them a bearer token</h2>
      <p class="quiet">
        Each names a key. A request that shows a token must be signed by that key, so a copied token opens nothing.
      </p>
      <div class="tokens">
        {tokens.map(({ name, typ, signs, holds, checks, says }) => (
          <article key={typ} class={`card token${seen.has(typ) ? ' lit' : ''}`}>
            <h3>{name}</h3>
            <p class="says">{says}</p>
            <dl>
              <dt>signed by</dt>
              <dd>{signs}</dd>
              <dt>held by</dt>
              <dd>{holds}</dd>
              <dt>checked by</dt>
              <dd>{checks}</dd>
            </dl>
            <LastSeen typ={typ} name={name} state={state} />
          </article>
        ))}
      </div>
    </section>
  )
}

interface LastSeenProps {
  readonly typ: string
  readonly name: string
  readonly state: State
}

/** Opens the latest message of a played story that carries a token of this type. */
function LastSeen({ typ, name, state: { runs } }: LastSeenProps): JSX.Element | null {
  const carrying = Object.values(runs).flatMap(({ story, messages }) =>
    messages.flatMap((message, index) => (typesIn(message).includes(typ) ? [{ story, message, step: index + 1 }] : [])),
  )
  const last = carrying.sort((a, b) => a.message.at - b.message.at).at(-1)
  if (last === undefined) return null
  return (
    <p>
      <Link to={`/stories/${last.story}/${last.step}`}>Open the latest {name}</Link>
    </p>
  )
}

/** The types of the tokens in a message. */
function typesIn({ request, response }: ShownMessage): string[] {
  const text = JSON.stringify([request, response])
  return [...text.matchAll(/\b(eyJ[\w-]+)\.eyJ[\w-]+\.[\w-]+/g)].flatMap(([, header = '']) => {
    try {
      const { typ } = JSON.parse(atob(header.replaceAll('-', '+').replaceAll('_', '/'))) as { readonly typ?: unknown }
      return typeof typ === 'string' ? [typ] : []
    } catch {
      return []
    }
  })
}
