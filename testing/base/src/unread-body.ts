/** A body that a receiver has not read, as `ReceivedMessage` of httpsig has it. */
interface Unread {
  bytes(): Promise<Uint8Array | undefined>
  hasByte(): Promise<boolean>
}

interface Whole {
  readonly body?: Uint8Array
}

/** A message as it arrives: its body is unread. @param onRead called when something reads it */
export function unread<M extends Whole>(
  message: M,
  onRead: () => void = () => undefined,
): Omit<M, 'body'> & { readonly unread: Unread } {
  const { body, ...head } = message
  return {
    ...head,
    unread: {
      async bytes() {
        onRead()
        return body
      },
      async hasByte() {
        onRead()
        return body !== undefined && body.length > 0
      },
    },
  }
}

/** How a request is answered while its body is still to come; `waits` where the body is asked for. */
export function answeredByHead<M extends Whole>(
  message: M,
  handle: (head: Omit<M, 'body'> & { readonly unread: Unread }) => Promise<Response>,
): Promise<Response | 'waits'> {
  const { body: _, ...head } = message
  return new Promise((resolve, reject) => {
    const wait = (): Promise<never> => {
      resolve('waits')
      return new Promise(() => undefined)
    }
    handle({ ...head, unread: { bytes: wait, hasByte: wait } }).then(resolve, reject)
  })
}
