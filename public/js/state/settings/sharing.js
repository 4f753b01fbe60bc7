// Whether the account shares what it has read in conversations, as the server says; null where that is not known, as for guests.

export const sharing = {
  initial: { sharesReading: null },
  events: {
    identified: (state, { userId }) => (state.me === null || state.me.userIds.includes(userId) ? state : { ...state, sharesReading: null }),
    signed_out: (state) => ({ ...state, sharesReading: null }),
    sharing_told: (state, { isOn }) => ({ ...state, sharesReading: isOn }),
  },
};
