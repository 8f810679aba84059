from django import forms
from django.utils.translation import gettext_lazy as _

from base import names
from push.models import Order


class OrderForm(forms.ModelForm):
    class Meta:
        model = Order
        fields = ["subject", "amount", "currency", "is_shared"]
        labels = {"subject": _("Description"), "amount": _("Amount"), "currency": _("Currency")}

    def clean_subject(self) -> str:
        try:
            return names.check_visible(names.clean(self.cleaned_data["subject"], 100))
        except ValueError as error:
            raise forms.ValidationError(str(error)) from None
