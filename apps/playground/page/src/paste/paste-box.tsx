import { examples } from 'virtual:paste-examples'
import type { JSX } from 'preact'
import { useEffect, useId, useState } from 'preact/hooks'
import type { PasteAnalysis } from '../../../src/analysis/analysis.js'
import { takeApart } from '../../../src/analysis/take-apart.js'
import { PasteResult } from './paste-result.js'
import './paste.css'

/** What is typed in. */
interface Pasted {
  readonly text: string
  readonly keys: string
  readonly authority: string
  /** Unix seconds as text; empty: now. */
  readonly time: string
}

const nothing: Pasted = { text: '', keys: '', authority: '', time: '' }
/** Milliseconds without typing, after which a text is judged. */
const pause = 250

/** A box that takes a pasted text apart, while it is typed. It needs no server. */
export function PasteBox(): JSX.Element {
  const [pasted, setPasted] = useState<Pasted>(nothing)
  const result = useResult(pasted)
  const change = (part: Partial<Pasted>): void => setPasted({ ...pasted, ...part })
  return (
    <div class="paste">
      <form class="paste-form" onSubmit={event => event.preventDefault()}>
        <Examples choose={setPasted} />
        <Field
          label="A request, token, challenge, condition or signature base"
          rows={12}
          value={pasted.text}
          set={text => change({ text })}
        />
        <Basis pasted={pasted} change={change} />
      </form>
      <PasteResult
        analysis={result?.analysis}
        text={result?.of.text ?? ''}
        isWaiting={pasted.text.trim() !== '' && result?.of !== pasted}
      />
    </div>
  )
}

interface Result {
  readonly of: Pasted
  readonly analysis: PasteAnalysis
}

/** What has come of a text, some time after it was typed; undefined while there is none. */
function useResult(pasted: Pasted): Result | undefined {
  const [result, setResult] = useState<Result | undefined>()
  useEffect(() => {
    if (pasted.text.trim() === '') return setResult(undefined)
    let isCurrent = true
    const timer = setTimeout(async () => {
      const analysis = await takeApart(pasted.text, optionsOf(pasted))
      if (isCurrent) setResult({ of: pasted, analysis })
    }, pause)
    return () => {
      isCurrent = false
      clearTimeout(timer)
    }
  }, [pasted])
  return result
}

function Examples({ choose }: { readonly choose: (pasted: Pasted) => void }): JSX.Element {
  return (
    <fieldset class="examples">
      <legend>Try one</legend>
      {examples.map(({ title, text, time, keys }) => (
        <button key={title} type="button" onClick={() => choose({ text, keys, authority: '', time: String(time) })}>
          {title}
        </button>
      ))}
      <button type="button" onClick={() => choose(nothing)}>
        Clear
      </button>
    </fieldset>
  )
}

interface BasisProps {
  readonly pasted: Pasted
  readonly change: (part: Partial<Pasted>) => void
}

/** The fields of what a text is judged by. */
function Basis({ pasted, change }: BasisProps): JSX.Element {
  const { keys, authority, time } = pasted
  return (
    <details class="judged-by">
      <summary>Judged {basis(pasted)}</summary>
      <Field
        label="Keys of its issuer or signer: a JWK or a JWK set"
        rows={3}
        value={keys}
        set={text => change({ keys: text })}
      />
      <div class="fields">
        <Field label="Receiver, such as calendar.example" value={authority} set={text => change({ authority: text })} />
        <Field label="Time, in Unix seconds (empty: now)" value={time} set={text => change({ time: text })} />
      </div>
    </details>
  )
}

/** What a text is judged by, in words. */
function basis({ keys, authority, time }: Pasted): string {
  const at = Number(time)
  const isDate = time.trim() !== '' && Math.abs(at) < 8_640_000_000_000
  const when = isDate ? `as of ${new Date(at * 1000).toISOString().slice(0, 16).replace('T', ' ')} UTC` : 'as of now'
  const by = keys.trim() === '' ? 'without keys' : 'with the keys given'
  return `${when}, ${by}${authority.trim() === '' ? '' : `, for ${authority.trim()}`}. Change`
}

function optionsOf({ keys, authority, time }: Pasted): Parameters<typeof takeApart>[1] {
  const at = time.trim() === '' ? Number.NaN : Number(time)
  const now = Number.isFinite(at) ? at : Math.floor(Date.now() / 1000)
  return { now, keys, ...(authority.trim() === '' ? {} : { authority }) }
}

interface FieldProps {
  readonly label: string
  readonly value: string
  /** Several lines; absent: one. */
  readonly rows?: number
  set(value: string): void
}

function Field({ label, value, rows, set }: FieldProps): JSX.Element {
  const id = useId()
  const shared = { id, value, spellcheck: false, autocomplete: 'off' } as const
  return (
    <div class="field">
      <label for={id}>{label}</label>
      {rows === undefined ? (
        <input {...shared} type="text" onInput={event => set(event.currentTarget.value)} />
      ) : (
        <textarea {...shared} rows={rows} onInput={event => set(event.currentTarget.value)} />
      )}
    </div>
  )
}
