import type { JSX } from 'preact'
import type { BesideColumn } from '../../../src/beside/contract.js'
import { counted } from './words.js'

/** What stands in files by now and would let a thief in, and what operators had to set up. */
export function Inventory({ column }: { readonly column: BesideColumn }): JSX.Element {
  const { secrets, setUp } = column
  return (
    <>
      <details class="beside-inventory">
        <summary>{counted(secrets.length, 'secret in files', 'secrets in files')}</summary>
        <ul>
          {secrets.map(({ place, shown, holder, opens, shared }) => (
            <li key={place}>
              <code>{shown}</code> at the {holder}
              {shared ? <span class="beside-mark">two holders</span> : null}
              <small>
                <code>{place}</code>
                <br />
                Whoever reads it can {opens}.
              </small>
            </li>
          ))}
        </ul>
      </details>
      <details class="beside-inventory">
        <summary>{counted(setUp.length, 'set-up step by an operator', 'set-up steps by operators')}</summary>
        {setUp.length === 0 ? <p>None.</p> : null}
        <ul>
          {setUp.map(({ what, place }) => (
            <li key={`${what} ${place}`}>
              An operator {what}.
              <small>
                <code>{place}</code>
              </small>
            </li>
          ))}
        </ul>
      </details>
    </>
  )
}
