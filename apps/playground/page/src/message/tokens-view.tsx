import type { JSX } from 'preact'
import type { AnalyzedChallenge, AnalyzedClaim, AnalyzedToken } from '../../../src/analysis/analysis.js'
import { ClauseLink } from './clause-link.js'
import { CopyButton } from './copy-button.js'

/** A challenge in words. */
export function ChallengeView({ challenge }: { readonly challenge: AnalyzedChallenge }): JSX.Element {
  const { value, asks, parts, wrong } = challenge
  return (
    <section class="token">
      <header>
        <h3>The challenge</h3>
        <CopyButton what="the challenge" text={value} />
      </header>
      <p>{wrong === undefined ? asks : <span class="wrong">{wrong}</span>}</p>
      <dl class="facts">
        {parts.map(([name, words]) => (
          <div key={name}>
            <dt>
              <code>{name}</code>
            </dt>
            <dd>{words}</dd>
          </div>
        ))}
      </dl>
    </section>
  )
}

/** Tokens, each decoded. */
export function TokensView({ tokens }: { readonly tokens: readonly AnalyzedToken[] }): JSX.Element {
  if (tokens.length === 0) return <p class="quiet">There is no token in it.</p>
  return (
    <>
      {tokens.map(token => (
        <TokenView key={token.jwt} token={token} />
      ))}
    </>
  )
}

function TokenView({ token }: { readonly token: AnalyzedToken }): JSX.Element {
  const { at, jwt, name, says, header, claims, life, parties } = token
  return (
    <section class="token">
      <header>
        <h3>
          {name.slice(0, 1).toUpperCase() + name.slice(1)} <span class="quiet">in {at}</span>
        </h3>
        <CopyButton what={`the ${name}`} text={jwt} />
      </header>
      {says === undefined ? null : <p>It says: {says}.</p>}
      <dl class="facts">
        {parties.map(([role, who]) => (
          <div key={role}>
            <dt>{role}</dt>
            <dd>{who}</dd>
          </div>
        ))}
        <div>
          <dt>header</dt>
          <dd>
            <code>{header.map(member => member.join(': ')).join(' · ')}</code>
          </dd>
        </div>
        {life === undefined ? null : (
          <div>
            <dt>life</dt>
            <dd>{life}</dd>
          </div>
        )}
      </dl>
      <dl class="claims">
        {claims.map(claim => (
          <Claim key={claim.name} claim={claim} />
        ))}
      </dl>
    </section>
  )
}

function Claim({ claim }: { readonly claim: AnalyzedClaim }): JSX.Element {
  const { name, value, words, meaning, checkedBy, clause } = claim
  return (
    <div>
      <dt>
        <code class="claim">{name}</code>
      </dt>
      <dd class="value">
        <code>{value}</code>
        {words.map(line => (
          <span key={line}>{line}</span>
        ))}
      </dd>
      <dd class="meaning">
        <span>{meaning}</span>
        <span class="quiet">{checkedBy === undefined ? 'checked by nobody' : `checked by ${checkedBy}`}</span>
        {clause === undefined ? null : <ClauseLink clause={clause} />}
      </dd>
    </div>
  )
}
