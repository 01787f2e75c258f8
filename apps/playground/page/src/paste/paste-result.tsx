import type { JSX } from 'preact'
import type { PasteAnalysis, PasteFinding } from '../../../src/analysis/analysis.js'
import { ChecksView } from '../message/checks-view.js'
import { ClauseLink } from '../message/clause-link.js'
import '../message/message.css'
import { SignatureView } from '../message/signature-view.js'
import { type Tab, Tabs } from '../message/tabs.js'
import { ChallengeView, TokensView } from '../message/tokens-view.js'

const kinds: Readonly<Record<PasteAnalysis['kind'], string>> = {
  request: 'An HTTP request',
  response: 'An HTTP response',
  token: 'A token',
  challenge: 'A challenge',
  conditions: 'Conditions',
  base: 'A signature base',
  nothing: 'Not known',
}

interface PasteResultProps {
  readonly analysis: PasteAnalysis | undefined
  /** The text that it is of. */
  readonly text: string
  readonly isWaiting: boolean
}

/** What a pasted text is, what is wrong with it, and its parts. Only the verdict is announced: the rest can be read on. */
export function PasteResult({ analysis, text, isWaiting }: PasteResultProps): JSX.Element {
  const state = analysis === undefined || isWaiting ? 'waiting' : analysis.ok ? '' : 'refused'
  return (
    <section class="paste-result" aria-labelledby="paste-result">
      <h2 class="sr-only" id="paste-result">
        Result
      </h2>
      <p class={`verdict ${state}`} role="status">
        {analysis === undefined ? (
          isWaiting ? (
            'Taking it apart …'
          ) : (
            'What you paste is judged here, and stays on this page.'
          )
        ) : (
          <>
            <strong>{kinds[analysis.kind]}.</strong> {analysis.verdict}
          </>
        )}
      </p>
      {analysis === undefined ? null : <Details analysis={analysis} text={text} />}
    </section>
  )
}

function Details({ analysis, text }: { readonly analysis: PasteAnalysis; readonly text: string }): JSX.Element {
  const { ok, findings, notes, conditions, challenge, kind } = analysis
  const tabs = tabsOf(analysis, text)
  return (
    <>
      {findings.length === 0 ? null : (
        <ol class="findings" aria-label="What is wrong">
          {findings.map((finding, index) => (
            <Finding key={index} finding={finding} />
          ))}
        </ol>
      )}
      {conditions === undefined ? null : (
        <ul class="conditions">
          {conditions.map(line => (
            <li key={line}>{line}</li>
          ))}
        </ul>
      )}
      {notes.map(note => (
        <p key={note} class="quiet">
          {note}
        </p>
      ))}
      {challenge === undefined ? null : <ChallengeView challenge={challenge} />}
      {tabs.length === 0 ? null : (
        <Tabs key={kind} label="Parts of the text" tabs={tabs} first={ok && kind !== 'request' ? 'tokens' : 'checks'} />
      )}
    </>
  )
}

function tabsOf({ checks, signature, tokens, headers }: PasteAnalysis, text: string): Tab[] {
  const line = text.trimStart().split(/\r?\n/, 1)[0] ?? ''
  return [
    ...(checks === undefined
      ? []
      : [{ id: 'checks', title: 'Checks', count: checks.length, content: <ChecksView checks={checks} /> }]),
    ...(signature === undefined
      ? []
      : [
          {
            id: 'signature',
            title: 'Signature',
            content: <SignatureView signature={signature} line={line} headers={headers ?? []} />,
          },
        ]),
    ...(tokens === undefined || tokens.length === 0
      ? []
      : [{ id: 'tokens', title: 'Tokens', count: tokens.length, content: <TokensView tokens={tokens} /> }]),
  ]
}

function Finding({ finding }: { readonly finding: PasteFinding }): JSX.Element {
  const { reason, at, wrong, right, received, expected, clause } = finding
  return (
    <li>
      <p>
        <strong>{wrong}</strong> {at === undefined ? null : <code>{at}</code>}{' '}
        {reason === '' ? null : <code class="reason">{reason}</code>}
      </p>
      <p>
        {right} {clause === undefined ? null : <ClauseLink clause={clause} />}
      </p>
      {received === undefined && expected === undefined ? null : (
        <dl class="facts">
          {received === undefined ? null : (
            <div>
              <dt>received</dt>
              <dd>
                <code>{received}</code>
              </dd>
            </div>
          )}
          {expected === undefined ? null : (
            <div>
              <dt>signed, or right</dt>
              <dd>
                <code>{expected}</code>
              </dd>
            </div>
          )}
        </dl>
      )}
    </li>
  )
}
