/** @jsxImportSource hono/jsx */
import type { Child } from 'hono/jsx'
import type { JSX } from 'hono/jsx/jsx-runtime'
import { claimedText } from './claimed-text.js'
import type { ConsentScope } from './consent-view.js'
import { shownHost } from './host-name.js'
import { messagesOf } from './language.js'
import type { Look } from './look.js'
import type { Messages } from './messages/en.js'
import type { PageUser } from './page-user.js'
import { fill, Sentence } from './sentence.js'
import { wordsOf } from './shown-words.js'

const longestName = 100

/** Scopes to choose from, each in the resource's own words or, for what it would learn of the user, in ours. */
export function ScopeList(o: {
  readonly legend: string
  readonly scopes: readonly ConsentScope[]
  readonly resource: string
  readonly user: PageUser
  readonly look: Look
}): JSX.Element | null {
  if (o.scopes.length === 0) return null
  return (
    <fieldset>
      <legend>{o.legend}</legend>
      <ul class="scopes">
        {o.scopes.map(scope => (
          <li class={scope.grave === true ? 'care' : undefined}>
            <Choice scope={scope} look={o.look}>
              <ScopeWords scope={scope} resource={o.resource} user={o.user} look={o.look} />
            </Choice>
          </li>
        ))}
      </ul>
    </fieldset>
  )
}

function Choice(o: { readonly scope: ConsentScope; readonly look: Look; readonly children: Child }): JSX.Element {
  const { name, optional = true, held = false, grave } = o.scope
  const { scopes } = messagesOf(o.look)
  if (held || !optional) {
    return (
      <div class="fixed">
        <span class="sign" aria-hidden="true">
          {held ? '✓' : '•'}
        </span>
        <span>
          {o.children}
          <Agreed scope={o.scope} look={o.look} />
          <Grave scope={o.scope} look={o.look} />
          <small>{held ? scopes.held : name === 'openid' ? scopes.openidFixed : scopes.fixed}</small>
        </span>
      </div>
    )
  }
  return (
    <label>
      <input type="checkbox" name={`scope:${name}`} value="on" checked={grave === undefined} />
      <span>
        {o.children}
        <Agreed scope={o.scope} look={o.look} />
        <Grave scope={o.scope} look={o.look} />
      </span>
    </label>
  )
}

/** What a user agreed to before, where the words are others now. */
function Agreed({ scope, look }: { readonly scope: ConsentScope; readonly look: Look }): JSX.Element | null {
  if (scope.agreed === undefined) return null
  return (
    <small>
      <Sentence text={messagesOf(look).scopes.agreed} parts={{ words: <bdi>{scope.agreed}</bdi> }} />
    </small>
  )
}

/** Warns of a far-reaching scope. */
function Grave({ scope, look }: { readonly scope: ConsentScope; readonly look: Look }): JSX.Element | null {
  if (scope.grave !== true) return null
  const { scopes } = messagesOf(look)
  return (
    <small class="grave">
      <strong>{scopes.grave}</strong> {scopes.graveMeans}
    </small>
  )
}

/** What a scope lets an agent do: in the resource's words, or in ours where it is about the user. */
export function ScopeWords(o: {
  readonly scope: ConsentScope
  readonly resource: string
  readonly user: PageUser
  readonly look: Look
}): JSX.Element {
  const { scopes } = messagesOf(o.look)
  const { name, known = true } = o.scope
  const code = <code>{claimedText(name, longestName)}</code>
  const ours = identityWords(name, o.user, scopes)
  if (ours !== undefined) return <bdi>{ours}</bdi>
  const words = wordsOf(o.scope)
  if (words !== undefined) {
    return (
      <>
        <bdi>{words}</bdi>
        <small>{code}</small>
      </>
    )
  }
  const host = shownHost(o.resource).text
  return (
    <>
      {code}
      <small class="unknown">{fill(known ? scopes.noWords : scopes.unknown, { host })}</small>
    </>
  )
}

/** What an identity scope tells of the user, with what it would say. */
function identityWords(name: string, { claims }: PageUser, texts: Messages['scopes']): string | undefined {
  switch (name) {
    case 'openid':
      return texts.openid
    case 'profile':
      return claims.name === undefined
        ? texts.name
        : fill(texts.nameIs, { name: claimedText(claims.name, longestName) })
    case 'email':
      return claims.email === undefined ? texts.email : fill(texts.emailIs, { email: claimedText(claims.email, 254) })
    case 'address':
      return texts.address
    case 'phone':
      return texts.phone
    default:
      return undefined
  }
}
