import { UsageError } from '@countersign/fetch/internal'
import { RawMessageError } from '@countersign/httpsig/internal'

/** Reads a raw message. @throws UsageError that names the wrong line */
export function readRaw<T>(read: () => T): T {
  try {
    return read()
  } catch (error) {
    if (error instanceof RawMessageError) throw new UsageError(error.message)
    throw error
  }
}
