import { type Describe, display, type ResourceWords } from './index.js'

// The words of the calendar, which conditions use.

export const calendarWords: Required<Pick<ResourceWords, 'purposes' | 'operations'>> = {
  purposes: { support: 'Answer questions of customers', billing: 'Write invoices', marketing: 'Advertise' },
  operations: {
    read: 'Read events',
    send: 'Send an invitation',
    purge: { description: 'Delete an event for good', grave: true },
  },
}

/** What events are called now: what a display tells of an event may change before the approved request comes. */
export const titles: Map<string, string> = new Map([['5', 'Lunch']])

/** Describes an invitation by its body. */
export const describeSend: Describe = request => {
  const { subject, to } = request.json() as { subject: string; to: string }
  return display`Send ${subject} to ${to}`
}

/** Describes a deletion by the event that the query names. */
export const describePurge: Describe = ({ query }) => display`Delete ${titles.get(query.slice(1)) ?? ''}`
