/** @jsxImportSource hono/jsx */
import type { JSX } from 'hono/jsx/jsx-runtime'
import { claimedText } from './claimed-text.js'
import type { ConsentScope } from './consent-view.js'
import { shownHost } from './host-name.js'
import type { PageUser } from './page-user.js'
import { wordsOf } from './shown-words.js'

const longestName = 100

/** Scopes to choose from, each in the resource's own words or, for what it would learn of the user, in ours. */
export function ScopeList(o: {
  readonly legend: string
  readonly scopes: readonly ConsentScope[]
  readonly resource: string
  readonly user: PageUser
}): JSX.Element | null {
  if (o.scopes.length === 0) return null
  return (
    <fieldset>
      <legend>{o.legend}</legend>
      <ul class="scopes">
        {o.scopes.map(scope => (
          <li>
            <Choice scope={scope} words={<Words scope={scope} resource={o.resource} user={o.user} />} />
          </li>
        ))}
      </ul>
    </fieldset>
  )
}

function Choice({ scope, words }: { readonly scope: ConsentScope; readonly words: JSX.Element }): JSX.Element {
  const { name, optional = true, held = false } = scope
  if (held || !optional) {
    return (
      <div class="fixed">
        <span class="sign" aria-hidden="true">
          {held ? '✓' : '•'}
        </span>
        <span>
          {words}
          <small>{held ? 'You have allowed this before.' : whyFixed(name)}</small>
        </span>
      </div>
    )
  }
  return (
    <label>
      <input type="checkbox" name={`scope:${name}`} value="on" checked />
      <span>{words}</span>
    </label>
  )
}

function whyFixed(name: string): string {
  return name === 'openid'
    ? 'It goes along with whatever you allow.'
    : 'It cannot be left out: allow all of it, or refuse.'
}

function Words(o: { readonly scope: ConsentScope; readonly resource: string; readonly user: PageUser }): JSX.Element {
  const { name, known = true } = o.scope
  const code = <code>{claimedText(name, longestName)}</code>
  const ours = identityWords(name, o.user)
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
      <small class="unknown">
        {known ? `${host} does not say what this means.` : `Unknown: ${host} does not list this.`}
      </small>
    </>
  )
}

/** What an identity scope tells of the user, with what it would say. */
function identityWords(name: string, { claims }: PageUser): string | undefined {
  switch (name) {
    case 'openid':
      return 'A made-up name that stands for you, to know you when you come back'
    case 'profile':
      return claims.name === undefined ? 'Your name' : `Your name: ${claimedText(claims.name, longestName)}`
    case 'email':
      return claims.email === undefined
        ? 'Your e-mail address'
        : `Your e-mail address: ${claimedText(claims.email, 254)}`
    case 'address':
      return 'Your postal address'
    case 'phone':
      return 'Your phone number'
    default:
      return undefined
  }
}
