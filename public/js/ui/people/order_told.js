// Says what came of an order of a moderator: that it was carried out, or why not.

/** Returns {tellOrder(key, slots, unmute?), tellProblem(problem)}; `unmute()` takes a mute back, and answers as the verbs of createModeration. */
export function orderTold({ i18n, tell }) {
  const tellProblem = ({ key, slots }) => tell(i18n.text(key, slots));

  function tellOrder(key, slots, unmute = null) {
    tell(i18n.text(key, slots), unmute && { label: i18n.text('unmute'), run: () => takeBack(unmute, slots) });
  }

  async function takeBack(unmute, slots) {
    const problem = await unmute();
    if (problem) tellProblem(problem);
    else tellOrder('did_unmute', slots);
  }

  return { tellOrder, tellProblem };
}
