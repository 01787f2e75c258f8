import type { JSX } from 'preact'
import { useEffect, useId, useState } from 'preact/hooks'
import type { MessageAnalysis } from '../../../src/analysis/analysis.js'
import type { Known } from '../../../src/analysis/known.js'
import type { ShownMessage } from '../../../src/explorer/contract.js'
import { ChecksView } from './checks-view.js'
import './message.css'
import { SentView } from './sent-view.js'
import { SignatureView } from './signature-view.js'
import { type Tab, Tabs } from './tabs.js'
import { ChallengeView, TokensView } from './tokens-view.js'

interface MessageViewProps {
  readonly message: ShownMessage
  /** What its parties publish: {@link useKnown}. */
  readonly known: Known
}

/** One message taken apart: as sent, its signature, its tokens, the checks of its receiver. */
export function MessageView({ message, known }: MessageViewProps): JSX.Element {
  const [analyzed, setAnalyzed] = useState<
    { readonly of: ShownMessage; readonly analysis: MessageAnalysis } | undefined
  >()
  const heading = useId()
  useEffect(() => {
    let isCurrent = true
    void analyze(message, known).then(analysis => {
      if (isCurrent) setAnalyzed({ of: message, analysis })
    })
    return () => {
      isCurrent = false
    }
  }, [message, known])
  const analysis = analyzed?.of === message ? analyzed.analysis : undefined
  return (
    <section class="message-view" aria-labelledby={heading}>
      <h2 class="sr-only" id={heading}>
        The message, taken apart
      </h2>
      <p class={`verdict ${stateOf(analysis)}`} role="status">
        {analysis?.verdict ?? 'Taking it apart …'}
      </p>
      <Tabs
        key={message.id}
        label="Parts of the message"
        tabs={tabsOf(message, analysis)}
        first={analysis?.ok === false ? 'checks' : 'sent'}
      />
    </section>
  )
}

function stateOf(analysis: MessageAnalysis | undefined): string {
  if (analysis === undefined) return 'waiting'
  if (analysis.ok) return ''
  // A challenge is no fault: it says how to go on.
  return analysis.challenge === undefined ? 'refused' : 'asks'
}

/** The code that judges is loaded with the first message that is opened. */
async function analyze(message: ShownMessage, known: Known): Promise<MessageAnalysis> {
  const { analyzeMessage } = await import('../../../src/analysis/message.js')
  return analyzeMessage(message, known)
}

function tabsOf(message: ShownMessage, analysis: MessageAnalysis | undefined): Tab[] {
  const { request, response } = message
  const line = `${request.method} ${request.target} HTTP/1.1`
  const sent = (
    <div class="halves">
      <SentView title="Request" line={line} sent={request} what="the request" />
      <SentView title="Response" line={`HTTP/1.1 ${response.status}`} sent={response} what="the response" />
    </div>
  )
  if (analysis === undefined) return [{ id: 'sent', title: 'As sent', content: sent }]
  const { signature, tokens, challenge, checks } = analysis
  const unsigned = <p class="quiet">This request is not signed.</p>
  return [
    { id: 'sent', title: 'As sent', content: sent },
    {
      id: 'signature',
      title: 'Signature',
      content:
        signature === undefined ? (
          unsigned
        ) : (
          <SignatureView signature={signature} line={line} headers={request.headers} />
        ),
    },
    {
      id: 'tokens',
      title: 'Tokens',
      count: tokens.length,
      content: (
        <>
          {challenge === undefined ? null : <ChallengeView challenge={challenge} />}
          <TokensView tokens={tokens} />
        </>
      ),
    },
    { id: 'checks', title: 'Checks', count: checks.length, content: <ChecksView checks={checks} /> },
  ]
}
