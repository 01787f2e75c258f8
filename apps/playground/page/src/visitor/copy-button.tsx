import type { JSX } from 'preact'
import { useEffect, useState } from 'preact/hooks'

/** Copies a text, and says so. */
export function CopyButton({ text, what }: { readonly text: string; readonly what: string }): JSX.Element {
  const [said, setSaid] = useState<'Copied' | 'Select it and copy it by hand'>()
  useEffect(() => setSaid(undefined), [text])
  const copy = (): void =>
    void navigator.clipboard.writeText(text).then(
      () => setSaid('Copied'),
      () => setSaid('Select it and copy it by hand'),
    )
  return (
    <span>
      <span class="right" role="status">
        {said}
      </span>{' '}
      <button type="button" onClick={copy}>
        Copy <span class="sr-only">{what}</span>
      </button>
    </span>
  )
}
