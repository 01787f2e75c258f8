import type { JSX } from 'preact'
import { useEffect, useState } from 'preact/hooks'
import type { ViewProps } from '../app.js'

/** The paste box as a view of the playground. Its code is loaded when the view is opened. */
export function PastePage(_: ViewProps): JSX.Element {
  const [Box, setBox] = useState<(() => JSX.Element) | undefined>(undefined)
  useEffect(() => {
    void import('./paste-box.js').then(({ PasteBox }) => setBox(() => PasteBox))
  }, [])
  return (
    <>
      <h1>Take a message apart</h1>
      <p class="lead">
        Paste what your program sent or got. It is judged by the code that the participants run, in this page: nothing
        is sent anywhere.{' '}
        <a href="/paste.html" download="countersign-paste.html">
          Save this page: it works without a server
        </a>
        .
      </p>
      {Box === undefined ? <p role="status">Loading …</p> : <Box />}
    </>
  )
}
