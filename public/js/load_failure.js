// A classic script, so that any browser runs it: says so at once if a part of the page is missing or
// can't be read. Without it the words come after a while by themselves, see load_failure.css.

addEventListener('error', function () {
  var words = document.getElementById('load-failure');
  if (words) words.className += ' load-failure--shown';
  else document.documentElement.className = 'load-failed';
}, true);
